# The layers, bottom up. A folder links only what stands above it here.
mettle_folder(base base PkgConfig::RE2 OpenSSL::Crypto spdlog::spdlog simdjson::simdjson)
mettle_folder(async async mettle_base)
mettle_folder(net net mettle_async PkgConfig::CURL ZLIB::ZLIB PkgConfig::BROTLI)
mettle_folder(db db mettle_async)
mettle_folder(db_sqlite db/sqlite mettle_db sqlite3 PkgConfig::RE2)
mettle_folder(model model mettle_base yaml-cpp)
mettle_folder(rules rules mettle_model mettle_db PkgConfig::RE2)
