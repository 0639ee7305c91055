# The files of Swagger UI as read-only data; the folder comes with -I from CMake.
    .section .rodata
    .global mettle_swagger_script, mettle_swagger_script_end
    .global mettle_swagger_style, mettle_swagger_style_end
mettle_swagger_script:
    .incbin "swagger-ui-bundle.js"
mettle_swagger_script_end:
mettle_swagger_style:
    .incbin "swagger-ui.css"
mettle_swagger_style_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
