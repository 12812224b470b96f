/*
 * e1000_regs.h - registers and descriptors of the e1000 family.
 *
 * [8254x]: PCI/PCI-X Family of Gigabit Ethernet Controllers Software
 * Developer's Manual, revision 4.0. [82574]: 82574 GbE Controller Family
 * Datasheet, revision 3.4. Sections are the former's unless it says so.
 */
#ifndef NET_E1000_REGS_H
#define NET_E1000_REGS_H

#include <stdint.h>

enum {
    CTRL = 0x0000,   /* 13.4.1  device control                   */
    STATUS = 0x0008, /* 13.4.2  device status                    */
    EERD = 0x0014,   /* 13.4.4  EEPROM read                      */
    ICR = 0x00c0,    /* 13.4.17 interrupt cause, cleared by reading */
    ITR = 0x00c4,    /* 13.4.18 least time between interrupts    */
    ICS = 0x00c8,    /* 13.4.19 raise a cause                    */
    IMS = 0x00d0,    /* 13.4.20 unmask causes                    */
    IMC = 0x00d8,    /* 13.4.21 mask causes                      */
    RCTL = 0x0100,   /* 13.4.22 receive control                  */
    TCTL = 0x0400,   /* 13.4.33 transmit control                 */
    TIPG = 0x0410,   /* 13.4.34 inter-packet gap                 */
    RDBAL = 0x2800,  /* 13.4.25 receive ring: address,           */
    RDBAH = 0x2804,
    RDLEN = 0x2808, /* 13.4.27 length in bytes,                 */
    RDH = 0x2810,   /* 13.4.28 head (the card's),               */
    RDT = 0x2818,   /* 13.4.29 tail (ours)                      */
    RDTR = 0x2820,  /* 13.4.30 delay of receive interrupts      */
    RADV = 0x282c,  /* 13.4.31 the same, absolute               */
    TDBAL = 0x3800, /* 13.4.35 transmit ring                    */
    TDBAH = 0x3804,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
    TXDCTL = 0x3828, /* 13.4.43 transmit descriptor control      */
    MTA = 0x5200,    /* 13.5.1  multicast table, 128 words       */
    RAL = 0x5400,    /* 13.5.2  receive address 0: low,          */
    RAH = 0x5404,    /* 13.5.3  and high                         */
    REGISTERS = 0x6000,
    MTA_WORDS = 128,
};

#define CTRL_FD      (1u << 0) /* full duplex                        */
#define CTRL_LRST    (1u << 3) /* link reset; reserved on the 82574  */
#define CTRL_ASDE    (1u << 5)
#define CTRL_SLU     (1u << 6) /* set link up                        */
#define CTRL_ILOS    (1u << 7) /* invert loss of signal              */
#define CTRL_FRCSPD  (1u << 11)
#define CTRL_FRCDPX  (1u << 12)
#define CTRL_RST     (1u << 26)
#define CTRL_VME     (1u << 30) /* VLAN mode                          */
#define CTRL_PHY_RST (1u << 31)

#define STATUS_LU (1u << 1) /* link up                            */

#define EERD_START (1u << 0)
#define EERD_DONE  (1u << 4) /* [8254x]; [82574] 10.2.2.4: bit 1   */

#define INT_TXDW   (1u << 0) /* sent                               */
#define INT_LSC    (1u << 2) /* link status changed                */
#define INT_RXDMT0 (1u << 4) /* few receive descriptors left       */
#define INT_RXO    (1u << 6) /* none left                          */
#define INT_RXT0   (1u << 7) /* received                           */

#define RCTL_EN    (1u << 1)
#define RCTL_MPE   (1u << 4)  /* take multicasts: IPv6 needs some   */
#define RCTL_BAM   (1u << 15) /* take broadcasts                    */
#define RCTL_SECRC (1u << 26) /* strip the CRC                      */
/* LPE 0: nothing longer than 1522 bytes; BSIZE 0: buffers of 2048; loopback,
 * promiscuous modes, store bad packets: 0 */

#define TCTL_EN  (1u << 1)
#define TCTL_PSP (1u << 3)    /* pad short packets                  */
#define TCTL_CT  (0x0fu << 4) /* 13.4.33: recommended               */
#define TCTL_FDX (0x40u << 12)

#define TIPG_COPPER (10u | 8u << 10 | 6u << 20) /* 13.4.34, table 13-77 */
#define TIPG_82574  (8u | 8u << 10 | 6u << 20)  /* [82574] 10.2.6.2      */
#define TXDCTL_ONE  (1u << 22) /* [82574] 10.2.6.10: must be 1     */

#define RAH_AV (1u << 31) /* address valid                      */

/* 3.2.3 */
struct rx_desc {
    uint64_t addr;
    uint16_t length, checksum;
    uint8_t status, errors;
    uint16_t special;
};
#define RX_DD  0x01 /* the card is done with it           */
#define RX_EOP 0x02 /* the frame ends here                */

/* 3.3.3 */
struct tx_desc {
    uint64_t addr;
    uint16_t length;
    uint8_t cso, cmd, status, css;
    uint16_t special;
};
#define TX_EOP  0x01
#define TX_IFCS 0x02 /* append the CRC                     */
#define TX_RS   0x08 /* report status: set DD when done    */
#define TX_DD   0x01

_Static_assert(sizeof(struct rx_desc) == 16, "3.2.3");
_Static_assert(sizeof(struct tx_desc) == 16, "3.3.3");

#endif
