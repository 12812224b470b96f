/*
 * console.c - the log's way out.
 */
#include "board.h"
#include "machine.h"

#include "uart.h"

void console_init(void)
{
    uart_init();
}

void board_write(const char *p, size_t len)
{
    uart_write(p, len);
}
