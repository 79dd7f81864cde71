//! Models: what syncs read.

use std::collections::BTreeMap;

use super::ListOrder;
use crate::call::{Id, call, call_on};
use crate::json::Json;
use crate::model::Timestamp;
use crate::operation::{NoFields, PathId, number};
use crate::page::Row;
use crate::resources::{Pages, Pending};

model! {
    /// A model: a query over a source. The query is in one of the fields `visual`, `custom`, `table`, `dbt`,
    /// `dbt_cloud` and `raw`.
    pub struct Model {
        /// Numeric id.
        required id = "id": i64,
        /// Display name.
        required name = "name": String,
        /// Slug, unique among the workspace's models.
        required slug = "slug": String,
        /// Description of the model.
        optional description = "description": String,
        /// Id of the workspace that the model belongs to.
        optional workspace_id = "workspaceId": i64,
        /// Column that identifies a row. Absent if the query is never synced directly.
        optional primary_key = "primaryKey": String,
        /// Time of creation.
        optional created_at = "createdAt": Timestamp,
        /// Time of the last change.
        optional updated_at = "updatedAt": Timestamp,
        /// Id of the source that the model reads from.
        optional source_id = "sourceId": i64,
        /// Kind of query, such as `"raw_sql"`, `"dbt"`, `"visual"` or `"custom"`. Hightouch spells the kind for tables
        /// `"tabel"`.
        optional query_type = "queryType": String,
        /// Tags, as a map from name to value.
        optional tags = "tags": BTreeMap<String, String>,
        /// Whether the model is used only as a part of other models.
        optional is_schema = "isSchema": bool,
        /// Ids of the syncs that use the model.
        defaulted syncs = "syncs": Vec<i64>,
        /// The query, if the model is an audience.
        optional visual = "visual": VisualQuery,
        /// The query, if the source has no SQL.
        optional custom = "custom": CustomQuery,
        /// The table, if the model reads a whole table.
        optional table = "table": TableQuery,
        /// The dbt model, if the model is based on a dbt model.
        optional dbt = "dbt": DbtQuery,
        /// The dbt Cloud model, if the model is based on a dbt Cloud model.
        optional dbt_cloud = "dbt_cloud": DbtQuery,
        /// The query, if it is plain SQL.
        optional raw = "raw": RawQuery,
        /// Id of the folder that holds the model.
        optional folder_id = "folderId": String,
        /// Number of rows in the latest successful run of a sync of the model. Absent before the first successful run.
        optional last_run_size = "lastRunSize": i64,
    }
}

impl Row for Model {
    fn id(&self) -> String {
        self.id.to_string()
    }
}

model! {
    /// The query of an audience.
    pub struct VisualQuery (sent) {
        /// Column with the secondary label of a row.
        optional secondary_label = "secondaryLabel": String,
        /// Column with the primary label of a row.
        optional primary_label = "primaryLabel": String,
        /// Filter conditions. The API does not define their structure.
        nulled filter = "filter": Json,
        /// Id of the parent model of the audience.
        needed parent_id = "parentId": i64,
    }
}

model! {
    /// The query of a source without SQL, such as Airtable.
    pub struct CustomQuery (sent) {
        /// The query. Its structure depends on the source.
        nulled query = "query": Json,
    }
}

model! {
    /// A table that a model reads.
    pub struct TableQuery (sent) {
        /// Name of the table.
        needed name = "name": String,
    }
}

model! {
    /// SQL that is passed to the source unchanged.
    pub struct RawQuery (sent) {
        /// The text of the SQL query.
        needed sql = "sql": String,
    }
}

model! {
    /// A dbt or dbt Cloud model. Only `model_id` and unknown members are sent; the server fills in the rest.
    pub struct DbtQuery (sent) {
        /// Unique id of the model in dbt.
        shown dbt_unique_id = "dbtUniqueId": String,
        /// The SQL that dbt compiled.
        shown compiled_sql = "compiledSql": String,
        /// The SQL before dbt compiled it.
        shown raw_sql = "rawSql": String,
        /// Database of the table that dbt creates. Absent for dbt Cloud.
        shown database = "database": String,
        /// Schema of the table that dbt creates. Absent for dbt Cloud.
        shown schema = "schema": String,
        /// Name of the table that dbt creates.
        shown name = "name": String,
        /// Id of the dbt model.
        needed model_id = "modelId": i64,
    }
}

request! {
    /// Filters, paging and order of a list of models (operation `ListModel`).
    pub struct ListModels {
        /// Only models with this name. The API does not document whether a part of the name matches.
        query name = "name": String,
        /// Only the model with this slug. The API does not document whether a part of the slug matches.
        query slug = "slug": String,
        /// Only models with these tags, each written `key:value`.
        query tags = "tags": Vec<String>,
        /// Number of models to skip before the first page. Default: 0.
        query offset = "offset": u32,
        /// Models per page, at least 1. Default: 100. The server may return fewer.
        query limit = "limit": u32,
        /// Order of the list. Default: by id.
        query order_by = "orderBy": ListOrder,
    }
}

request! {
    /// A model to create (operation `CreateModel`). The query belongs in one of the fields `visual`, `custom`, `table`,
    /// `dbt`, `dbt_cloud` and `raw`.
    pub struct ModelCreate {
        /// Display name.
        body(needed) name = "name": String,
        /// Slug, unique among the workspace's models. A slug that is already taken is an error of kind `conflict`.
        body(needed) slug = "slug": String,
        /// Kind of query, such as `"raw_sql"`, `"dbt"`, `"visual"` or `"custom"`. Hightouch spells the kind for tables
        /// `"tabel"`.
        body(needed) query_type = "queryType": String,
        /// Id of the source that the model reads from.
        body(needed) source_id = "sourceId": i64,
        /// Whether the model is used only as a part of other models.
        body(needed) is_schema = "isSchema": bool,
        /// Column that identifies a row. Pass null if the query is never synced directly.
        body(given) primary_key = "primaryKey": String,
        /// The query, if the model is an audience.
        body visual = "visual": VisualQuery,
        /// The query, if the source has no SQL.
        body custom = "custom": CustomQuery,
        /// The table, if the model reads a whole table.
        body table = "table": TableQuery,
        /// The query, if it is plain SQL.
        body raw = "raw": RawQuery,
        /// The dbt model, if the model is based on a dbt model.
        body dbt = "dbt": DbtQuery,
        /// The dbt Cloud model, if the model is based on a dbt Cloud model.
        body dbt_cloud = "dbt_cloud": DbtQuery,
        /// Id of the folder that holds the model.
        body folder_id = "folderId": String,
        /// Whether the server skips the query that finds the columns. That query runs in the warehouse and can cost
        /// money. Default: false.
        query skip_column_query = "skipColumnQuery": bool,
    }
}

request! {
    /// Changes to a model (operation `UpdateModel`). Fields that are left out keep their values; at least
    /// one must be set.
    pub struct ModelUpdate {
        /// Display name.
        body name = "name": String,
        /// Whether the model is used only as a part of other models.
        body is_schema = "isSchema": bool,
        /// Column that identifies a row. Null clears the field.
        body(nullable) primary_key = "primaryKey": String,
        /// The query, if the model is an audience.
        body visual = "visual": VisualQuery,
        /// The query, if the source has no SQL.
        body custom = "custom": CustomQuery,
        /// The table, if the model reads a whole table.
        body table = "table": TableQuery,
        /// The query, if it is plain SQL.
        body raw = "raw": RawQuery,
        /// The dbt model, if the model is based on a dbt model.
        body dbt = "dbt": DbtQuery,
        /// Id of the folder that holds the model.
        body folder_id = "folderId": String,
    }
}

const MODEL: PathId = number("model", "model_id", "modelId", &["The model's id."]);

operations! {
    /// Lists the models of the workspace, including parent and related models, a page at a time, ordered by id unless
    /// `order_by` says otherwise.
    ListModelOp = "ListModel", read GET "/models" [] as "models.list", takes ListModels, gives page Model;

    /// Reads one model.
    GetModelOp = "GetModel", read GET "/models/{modelId}" [MODEL] as "models.get", takes NoFields, gives value Model;

    /// Creates a model. For a new model, Hightouch may run a query in the warehouse. Such a query can cost money. A
    /// request that failed is sent again only if it certainly had no effect.
    CreateModelOp = "CreateModel", write POST "/models" [] as "models.create", takes ModelCreate, gives value Model;

    /// Changes a model. Fields that are left out keep their values; at least one field must be given. After a change,
    /// Hightouch may run a query in the warehouse. Such a query can cost money.
    UpdateModelOp = "UpdateModel", write PATCH "/models/{modelId}" [MODEL] as "models.update",
    takes ModelUpdate, gives value Model;

    /// Deletes a model. Hightouch's OpenAPI document does not list this operation yet. A server without the operation
    /// answers as if the model did not exist.
    DeleteModelOp = "DeleteModel", write DELETE "/models/{modelId}" [MODEL] as "models.delete",
    takes NoFields, gives nothing (), newer true;
}

handle! {
    /// The operations on models.
    Models
}

impl Models {
    /// Lists models lazily, in pages (operation `ListModel`).
    #[must_use]
    pub fn list(&self, which: &ListModels) -> Pages<Model> {
        Pages::new(&self.sender, call::<ListModelOp>(which))
    }

    /// Reads one model (operation `GetModel`).
    pub fn get(&self, model: i64) -> Pending<Model> {
        Pending::new(&self.sender, call_on::<GetModelOp>(vec![Id::Int(model)], &NoFields))
    }

    /// Creates a model (operation `CreateModel`). For a new model, Hightouch may run a query in the warehouse. The
    /// query can cost money.
    pub fn create(&self, model: &ModelCreate) -> Pending<Model> {
        Pending::new(&self.sender, call::<CreateModelOp>(model))
    }

    /// Changes a model (operation `UpdateModel`). Fields that are left out keep their values.
    pub fn update(&self, model: i64, changes: &ModelUpdate) -> Pending<Model> {
        Pending::new(&self.sender, call_on::<UpdateModelOp>(vec![Id::Int(model)], changes))
    }

    /// Deletes a model (operation `DeleteModel`, which Hightouch's OpenAPI document does not list yet).
    pub fn delete(&self, model: i64) -> Pending<()> {
        Pending::new(&self.sender, call_on::<DeleteModelOp>(vec![Id::Int(model)], &NoFields))
    }
}
