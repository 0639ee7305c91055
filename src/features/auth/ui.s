# The pages of /auth/ui as read-only data; the folder comes with -I from CMake.
    .section .rodata
    .macro part name, file
    .global mettle_auth_\name, mettle_auth_\name\()_end
mettle_auth_\name:
    .incbin "\file"
mettle_auth_\name\()_end:
    .endm
    part page, page.html
    part style, page.css
    part start, page.js
    part kit, kit.js
    part enter, enter.js
    part account, account.js
    part providers, providers.js
    .byte 0
    .section .note.GNU-stack,"",%progbits
