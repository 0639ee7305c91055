# The layers, bottom up. A folder links only what stands above it here.
mettle_folder(base base PkgConfig::RE2 OpenSSL::Crypto PkgConfig::ARGON2 PkgConfig::QRENCODE spdlog::spdlog)
if(METTLE_TESTS)
  target_link_libraries(base_test PRIVATE simdjson::simdjson)  # the oracle of the JSON reader's test
endif()
mettle_folder(async async mettle_base)
mettle_folder(net net mettle_async PkgConfig::CURL ZLIB::ZLIB PkgConfig::BROTLI OpenSSL::SSL PkgConfig::NGHTTP2)
mettle_folder(db db mettle_async)
mettle_folder(db_sqlite db/sqlite mettle_db sqlite3)
add_executable(db_sqlite_bench EXCLUDE_FROM_ALL src/db/sqlite/store_bench.cc)
target_compile_options(db_sqlite_bench PRIVATE ${METTLE_WARNINGS})
target_link_libraries(db_sqlite_bench PRIVATE mettle_db_sqlite)
target_precompile_headers(db_sqlite_bench REUSE_FROM mettle_pch)
mettle_folder(db_postgres db/postgres mettle_db PkgConfig::PQ)
foreach(test db_test db_postgres_test)  # the conformance suite drives every engine
  if(TARGET ${test})
    target_link_libraries(${test} PRIVATE mettle_db_sqlite mettle_db_postgres)
    target_compile_definitions(${test} PRIVATE METTLE_TEST_POSTGRES="${CMAKE_SOURCE_DIR}/build/postgres")
  endif()
endforeach()
mettle_folder(model model mettle_base yaml-cpp)
mettle_folder(rules rules mettle_model mettle_db)
if(TARGET rules_test)  # rules in memory against the same rules in SQLite
  target_link_libraries(rules_test PRIVATE mettle_db_sqlite)
endif()
mettle_folder(records records mettle_rules)
if(TARGET records_test)  # the door over a store
  target_link_libraries(records_test PRIVATE mettle_db_sqlite)
endif()
mettle_folder(engine engine mettle_records mettle_net)
# The features, each a library; a feature may link another's only as tools/feature_deps.txt lists it.
set(METTLE_FEATURES)
set(METTLE_LINKS_auth mettle_f_mail)
set(METTLE_LINKS_oauth mettle_f_auth)
set(METTLE_LINKS_batch mettle_f_data)
set(METTLE_LINKS_commands mettle_f_batch mettle_db_sqlite)
set(METTLE_LINKS_queries mettle_f_commands)
set(METTLE_LINKS_routes mettle_f_commands)
set(METTLE_LINKS_backup mettle_db_sqlite)
file(GLOB features LIST_DIRECTORIES true CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/features/*)
foreach(dir IN LISTS features)
  if(IS_DIRECTORY ${dir})
    get_filename_component(feature ${dir} NAME)
    mettle_folder(f_${feature} features/${feature} mettle_engine ${METTLE_LINKS_${feature}})
    list(APPEND METTLE_FEATURES mettle_f_${feature})
  endif()
endforeach()
foreach(feature migrate auth oauth transfer data batch openapi statics mail)  # their tests run on a store
  if(TARGET f_${feature}_test)
    target_link_libraries(f_${feature}_test PRIVATE mettle_db_sqlite)
  endif()
endforeach()
add_executable(f_limits_bench EXCLUDE_FROM_ALL src/features/limits/limits_bench.cc)
target_compile_options(f_limits_bench PRIVATE ${METTLE_WARNINGS})
target_link_libraries(f_limits_bench PRIVATE mettle_f_limits)
target_precompile_headers(f_limits_bench REUSE_FROM mettle_pch)
# The bundled docs page (make setup unpacks it).
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/features/openapi/assets.s PROPERTIES
  COMPILE_OPTIONS "-I${CMAKE_SOURCE_DIR}/build/deps/docs-ui;-Wno-unused-command-line-argument"
  OBJECT_DEPENDS "${CMAKE_SOURCE_DIR}/build/deps/docs-ui/swagger-ui-bundle.js")
target_sources(mettle_f_openapi PRIVATE ${CMAKE_SOURCE_DIR}/src/features/openapi/assets.s)
# The passwords that people choose most (make setup unpacks them).
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/features/auth/password_list.s PROPERTIES
  COMPILE_OPTIONS "-I${CMAKE_SOURCE_DIR}/build/deps/passwords;-Wno-unused-command-line-argument"
  OBJECT_DEPENDS "${CMAKE_SOURCE_DIR}/build/deps/passwords/common.txt")
target_sources(mettle_f_auth PRIVATE ${CMAKE_SOURCE_DIR}/src/features/auth/password_list.s)
# The pages of /auth/ui.
file(GLOB auth_pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/features/auth/ui/*)
set_source_files_properties(${CMAKE_SOURCE_DIR}/src/features/auth/ui.s PROPERTIES
  COMPILE_OPTIONS "-I${CMAKE_SOURCE_DIR}/src/features/auth/ui;-Wno-unused-command-line-argument"
  OBJECT_DEPENDS "${auth_pages}")
target_sources(mettle_f_auth PRIVATE ${CMAKE_SOURCE_DIR}/src/features/auth/ui.s)
mettle_folder(app app ${METTLE_FEATURES} mettle_db_sqlite)
include(${CMAKE_SOURCE_DIR}/cmake/embed.cmake)
mettle_embed(mettle_app)
mettle_folder(commands app/commands mettle_app)
if(EXISTS ${CMAKE_SOURCE_DIR}/src/main.cc)
  add_executable(mettle src/main.cc)
  target_compile_options(mettle PRIVATE ${METTLE_WARNINGS})
  target_link_libraries(mettle PRIVATE mettle_commands)
  target_precompile_headers(mettle REUSE_FROM mettle_pch)
endif()
# A C++ program that embeds Mettle: examples/embed.
add_executable(embed_example examples/embed/main.cc)
target_compile_options(embed_example PRIVATE ${METTLE_WARNINGS})
target_link_libraries(embed_example PRIVATE mettle_app)
