# The passwords that people choose most, sorted, one a line; the folder comes with -I from CMake.
    .section .rodata
    .global mettle_common_passwords, mettle_common_passwords_end
mettle_common_passwords:
    .incbin "common.txt"
mettle_common_passwords_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
