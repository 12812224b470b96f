/*
 * uart.h - the first serial port, polled.
 */
#ifndef BOARD_X86_64_UART_H
#define BOARD_X86_64_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 115200 baud, 8N1. False: there is no such port; it is then left alone. */
bool uart_init(void);

/* The bytes as they are. A port that takes none costs 0.2 s once. */
void uart_write(const char *p, size_t len);

#endif
