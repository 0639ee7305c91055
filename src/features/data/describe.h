// The table endpoints in the OpenAPI document: operations, parameters, schemas.
#pragma once

#include "engine/snapshot.h"
#include "features/data/api.h"

namespace mettle::data {

// Adds NAME, NAME_create, NAME_patch and NAME_page to the document's schemas.
void describe_table(engine::SnapshotBuilder& builder, const records::TableInfo& table);

engine::Operation describe_list(const engine::SnapshotBuilder& builder,
                                const records::TableInfo& table);
engine::Operation describe_get(const records::TableInfo& table);
engine::Operation describe_create(const records::TableInfo& table);
engine::Operation describe_replace(const records::TableInfo& table);
engine::Operation describe_patch(const records::TableInfo& table);
engine::Operation describe_delete(const records::TableInfo& table);
engine::Operation describe_patch_many(const records::TableInfo& table);
engine::Operation describe_delete_many(const records::TableInfo& table);

}  // namespace mettle::data
