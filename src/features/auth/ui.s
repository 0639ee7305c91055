# The pages of /auth/ui as read-only data; the folder comes with -I from CMake.
    .section .rodata
    .global mettle_auth_page, mettle_auth_page_end
    .global mettle_auth_script, mettle_auth_script_end
    .global mettle_auth_style, mettle_auth_style_end
mettle_auth_page:
    .incbin "page.html"
mettle_auth_page_end:
mettle_auth_script:
    .incbin "page.js"
mettle_auth_script_end:
mettle_auth_style:
    .incbin "page.css"
mettle_auth_style_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
