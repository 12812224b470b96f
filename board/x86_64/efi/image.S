/*
 * image.S - the image itself, inside the program.
 */
    .section .rdata, "dr"
    .balign 16
    .globl  image, image_end
image:
    .incbin IMAGE
image_end:
