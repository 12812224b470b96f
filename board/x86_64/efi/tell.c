/*
 * tell.c - words for a person before the image can speak for itself.
 */
#include "program.h"

#include <string.h>

#include "debug_exit.h"
#include "panic.h"
#include "uart.h"

#define READ_US 5000000u /* for whoever looks at the screen */

void say(const char *text)
{
    uint16_t line[128];
    size_t i;

    while (*text != '\0') {
        for (i = 0; i < 127 && *text != '\0'; i++)
            line[i] = (uint8_t)*text++;
        line[i] = 0;
        efi->out->output(efi->out, line);
    }
}

static void serial(const char *text)
{
    uart_write(text, strlen(text));
}

/* The sentence goes to the console only: where that is the serial port as
 * well, the report line is still the last one. */
_Noreturn void fail(int status, const char *reason)
{
    say("bootmail: ");
    say(reason);
    say("\r\n");
    uart_init();
    serial(status == STATUS_CONFIG
               ? "\n{\"bootmail\":1,\"outcome\":\"invalid\",\"exit\":78,"
               : "\n{\"bootmail\":1,\"outcome\":\"bug\",\"exit\":70,");
    serial("\"reason\":\"");
    serial(reason);
    serial(PANIC_REPORT_TAIL);
    debug_exit(status);
    efi->boot->stall(READ_US);
    efi->runtime->reset(EFI_RESET_SHUTDOWN, 0, 0, NULL);
    for (;;)
        __asm__ volatile("cli; hlt");
}
