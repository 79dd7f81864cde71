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
    /// A model: a query over a source. It carries its query in one of `visual`, `custom`, `table`, `dbt`, `dbt_cloud` and
    /// `raw`.
    pub struct Model {
        /// Numeric id.
        required id = "id": i64,
        /// Name, for people.
        required name = "name": String,
        /// Slug, unique among the workspace's models.
        required slug = "slug": String,
        /// What it is for.
        optional description = "description": String,
        /// Workspace that it belongs to.
        optional workspace_id = "workspaceId": i64,
        /// Column that identifies a row; absent where the query is never synced directly.
        optional primary_key = "primaryKey": String,
        /// When it was made.
        optional created_at = "createdAt": Timestamp,
        /// When it was last changed.
        optional updated_at = "updatedAt": Timestamp,
        /// Source that it reads from.
        optional source_id = "sourceId": i64,
        /// Kind of query, such as `raw_sql`, `dbt`, `visual` or `custom`; the vendor spells the one for tables `tabel`.
        optional query_type = "queryType": String,
        /// Tags by name.
        optional tags = "tags": BTreeMap<String, String>,
        /// Whether it is only a part of other models.
        optional is_schema = "isSchema": bool,
        /// Ids of the syncs that use it.
        defaulted syncs = "syncs": Vec<i64>,
        /// The query of an audience.
        optional visual = "visual": VisualQuery,
        /// The query of a source without SQL.
        optional custom = "custom": CustomQuery,
        /// The table that is read.
        optional table = "table": TableQuery,
        /// The dbt model behind it.
        optional dbt = "dbt": DbtQuery,
        /// The dbt Cloud model behind it.
        optional dbt_cloud = "dbt_cloud": DbtQuery,
        /// The SQL.
        optional raw = "raw": RawQuery,
        /// Folder that it lies in.
        optional folder_id = "folderId": String,
        /// Rows in the latest sync run that went well; absent before one has.
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
        /// Column that names a row in a second line.
        optional secondary_label = "secondaryLabel": String,
        /// Column that names a row.
        optional primary_label = "primaryLabel": String,
        /// Conditions, of a shape that the API leaves open.
        needed filter = "filter": Json,
        /// Model that it is an audience of.
        needed parent_id = "parentId": i64,
    }
}

model! {
    /// The query of a source without SQL, such as Airtable.
    pub struct CustomQuery (sent) {
        /// The query, of a shape that depends on the source.
        needed query = "query": Json,
    }
}

model! {
    /// A table that is read.
    pub struct TableQuery (sent) {
        /// Its name.
        needed name = "name": String,
    }
}

model! {
    /// SQL that the source is given unchanged.
    pub struct RawQuery (sent) {
        /// The SQL.
        needed sql = "sql": String,
    }
}

model! {
    /// A dbt or dbt Cloud model.
    pub struct DbtQuery {
        /// dbt's own unique id.
        optional dbt_unique_id = "dbtUniqueId": String,
        /// SQL as dbt compiled it.
        optional compiled_sql = "compiledSql": String,
        /// SQL as it was written.
        optional raw_sql = "rawSql": String,
        /// Database of the table that dbt makes; dbt Cloud does not tell it.
        optional database = "database": String,
        /// Schema of the table that dbt makes; dbt Cloud does not tell it.
        optional schema = "schema": String,
        /// Name of the table that dbt makes.
        optional name = "name": String,
        /// Id of the dbt model.
        optional model_id = "modelId": i64,
    }
}

model! {
    /// Which dbt or dbt Cloud model a model is of.
    pub struct DbtModelReference (sent) {
        /// Id of the dbt model.
        needed model_id = "modelId": i64,
    }
}

request! {
    /// Which models to list (operation `ListModel`).
    pub struct ListModels {
        /// Only models with this name; whether a part of it is enough is not documented.
        query name = "name": String,
        /// Only the model with this slug; whether a part of it is enough is not documented.
        query slug = "slug": String,
        /// Only models with these tags, each written `key:value`.
        query tags = "tags": Vec<String>,
        /// Models to skip before the first page; 0 when left out.
        query offset = "offset": u32,
        /// Models a page; 100 when left out. The server may give fewer.
        query limit = "limit": u32,
        /// Order of the list; by id when left out.
        query order_by = "orderBy": ListOrder,
    }
}

request! {
    /// A model to be made (operation `CreateModel`), with its query in one of `visual`, `custom`, `table`, `dbt`,
    /// `dbt_cloud` and `raw`.
    pub struct ModelCreate {
        /// Name, for people.
        body(needed) name = "name": String,
        /// Slug, unique among the workspace's models; one that is taken is a `conflict`.
        body(needed) slug = "slug": String,
        /// Kind of query, such as `raw_sql`, `dbt`, `visual` or `custom`; the vendor spells the one for tables `tabel`.
        body(needed) query_type = "queryType": String,
        /// Source that it reads from.
        body(needed) source_id = "sourceId": i64,
        /// Whether it is only a part of other models.
        body(needed) is_schema = "isSchema": bool,
        /// Column that identifies a row; null where the query is never synced directly.
        body(given) primary_key = "primaryKey": String,
        /// The query of an audience.
        body visual = "visual": VisualQuery,
        /// The query of a source without SQL.
        body custom = "custom": CustomQuery,
        /// The table that is read.
        body table = "table": TableQuery,
        /// The SQL.
        body raw = "raw": RawQuery,
        /// The dbt model behind it.
        body dbt = "dbt": DbtModelReference,
        /// The dbt Cloud model behind it.
        body dbt_cloud = "dbt_cloud": DbtModelReference,
        /// Folder that it lies in.
        body folder_id = "folderId": String,
        /// Whether to skip the query for the columns, which asks the warehouse and can cost money; false when left out.
        query skip_column_query = "skipColumnQuery": bool,
    }
}

request! {
    /// Changes to a model (operation `UpdateModel`); what is left out stays as it is.
    pub struct ModelUpdate {
        /// Name, for people.
        body name = "name": String,
        /// Whether it is only a part of other models.
        body is_schema = "isSchema": bool,
        /// Column that identifies a row; null clears it.
        body(nullable) primary_key = "primaryKey": String,
        /// The query of an audience.
        body visual = "visual": VisualQuery,
        /// The query of a source without SQL.
        body custom = "custom": CustomQuery,
        /// The table that is read.
        body table = "table": TableQuery,
        /// The SQL.
        body raw = "raw": RawQuery,
        /// The dbt model behind it.
        body dbt = "dbt": DbtModelReference,
        /// Folder that it lies in.
        body folder_id = "folderId": String,
    }
}

const MODEL: PathId = number("model", "model_id", "modelId", &["The model's id."]);

operation! {
    /// Lists the workspace's models, parents and related ones included, a page at a time, in the order of their ids unless
    /// asked otherwise.
    ListModelOp = "ListModel", read GET "/models" [] as "models.list", takes ListModels, gives page Model
}

operation! {
    /// Reads one model.
    GetModelOp = "GetModel", read GET "/models/{modelId}" [MODEL] as "models.get", takes NoFields, gives value Model
}

operation! {
    /// Makes a model, which may query the warehouse. Sent once: it is repeated only when it certainly did not happen.
    CreateModelOp = "CreateModel", write POST "/models" [] as "models.create", takes ModelCreate, gives value Model
}

operation! {
    /// Changes a model; what is left out stays as it is. It may query the warehouse.
    UpdateModelOp = "UpdateModel", write PATCH "/models/{modelId}" [MODEL] as "models.update",
    takes ModelUpdate, gives value Model
}

operation! {
    /// Deletes a model. Newer than the vendor's document that this SDK was made from: a workspace that does not know it
    /// answers `not_found`.
    DeleteModelOp = "DeleteModel", write DELETE "/models/{modelId}" [MODEL] as "models.delete",
    takes NoFields, gives nothing (), newer true
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

    /// Makes a model (operation `CreateModel`), which may query the warehouse.
    pub fn create(&self, model: &ModelCreate) -> Pending<Model> {
        Pending::new(&self.sender, call::<CreateModelOp>(model))
    }

    /// Changes a model (operation `UpdateModel`); what is left out stays as it is.
    pub fn update(&self, model: i64, changes: &ModelUpdate) -> Pending<Model> {
        Pending::new(&self.sender, call_on::<UpdateModelOp>(vec![Id::Int(model)], changes))
    }

    /// Deletes a model (operation `DeleteModel`, newer than the document that this SDK was made from).
    pub fn delete(&self, model: i64) -> Pending<()> {
        Pending::new(&self.sender, call_on::<DeleteModelOp>(vec![Id::Int(model)], &NoFields))
    }
}
