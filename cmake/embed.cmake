# The files that the binary carries (src/app/embedded_files.h), as read-only data: an assembler file that includes them
# and a table of them, both written anew only where the list changed.
function(mettle_embed target)
  set(root ${CMAKE_SOURCE_DIR})
  set(globs ${root}/src/app/client.ts ${root}/src/app/starter/*)
  foreach(example todo shop shortener hiring)
    list(APPEND globs ${root}/examples/${example}/README.md ${root}/examples/${example}/mettle.yaml
         ${root}/examples/${example}/.gitignore ${root}/examples/${example}/seed.py
         ${root}/examples/${example}/static/*)
    if(NOT example STREQUAL shop)  # whose seed.py writes the folder
      list(APPEND globs ${root}/examples/${example}/seed/*)
    endif()
  endforeach()
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${globs})
  list(SORT files)
  set(number 0)
  set(assembly "    .section .rodata\n")
  set(declarations "")
  set(table "")
  foreach(file IN LISTS files)
    file(RELATIVE_PATH path ${root} ${file})
    string(REGEX REPLACE "^src/app/" "" path ${path})
    set(label mettle_file_${number})
    string(APPEND assembly "    .global ${label}, ${label}_end\n${label}:\n    .incbin \"${file}\"\n${label}_end:\n")
    string(APPEND declarations "extern const char ${label}[], ${label}_end[];\n")
    string(APPEND table
           "    {\"${path}\", {${label}, static_cast<size_t>(${label}_end - ${label})}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  string(APPEND assembly "    .byte 0\n    .section .note.GNU-stack,\"\",%progbits\n")
  set(folder ${CMAKE_BINARY_DIR}/embedded)
  file(CONFIGURE OUTPUT ${folder}/embedded_files.s CONTENT "${assembly}" @ONLY)
  file(CONFIGURE OUTPUT ${folder}/embedded_table.cc @ONLY CONTENT
"// Written by cmake/embed.cmake.
#include \"app/embedded_files.h\"

extern \"C\" {
${declarations}}

namespace mettle::app {

std::span<const EmbeddedFile> embedded_files() {
  static const EmbeddedFile files[] = {
${table}  };
  return files;
}

}  // namespace mettle::app
")
  set_source_files_properties(${folder}/embedded_files.s PROPERTIES
    COMPILE_OPTIONS "-Wno-unused-command-line-argument" OBJECT_DEPENDS "${files}")
  target_sources(${target} PRIVATE ${folder}/embedded_files.s ${folder}/embedded_table.cc)
endfunction()
