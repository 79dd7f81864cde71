//! The codes that Hightouch publishes for failures of runs (<https://hightouch.com/docs/developer-tools/error-codes>),
//! as of 2026-08-13. The summaries and the advice are the SDK's own words.

use super::ProblemCategory;

/// A code, its meaning, and advice.
pub(super) struct Code {
    pub name: &'static str,
    pub category: ProblemCategory,
    pub summary: &'static str,
    pub advice: &'static str,
}

/// `UNSPECIFIED` is also an everyday word. It counts as a code only if the text is `UNSPECIFIED` or begins with
/// `UNSPECIFIED:`.
const COMMON: &str = "UNSPECIFIED";

/// Finds the first code in a text. A code must be a whole word: `MY_SLACK_NO_TEXT` contains none.
pub(super) fn find(text: &str) -> Option<&'static Code> {
    let words = text.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
    let mut codes = words.enumerate().filter_map(|(nth, word)| {
        let code = CODES.iter().find(|code| code.name == word)?;
        let begins = nth == 0
            && text.strip_prefix(word).is_some_and(|rest| matches!(rest.chars().next(), None | Some(':')));
        (begins || code.name != COMMON).then_some(code)
    });
    codes.next()
}

macro_rules! codes {
    ($($name:ident $category:ident $summary:literal $advice:literal;)*) => {
        pub(super) const CODES: &[Code] = &[$(Code {
            name: stringify!($name),
            category: ProblemCategory::$category,
            summary: $summary,
            advice: $advice,
        }),*];
    };
}

codes! {
    // Failures of a sync before it writes.
    DUPLICATE_COLUMNS_DETECTED Model
        "The model's query returns two columns with one name."
        "Give each column its own name with an alias.";
    NON_UNIQUE_PRIMARY_KEY Model
        "The model's primary key has duplicates."
        "Make the key unique in the model's query, or choose another key.";
    UNSUPPORTED_PRIMARY_KEY_TYPE Model
        "The type of the model's primary key cannot be used."
        "Cast the key to text or to an integer in the model's query.";
    QUERY_COLUMN_MISSING MissingColumn
        "The sync uses a column that the model's query no longer returns."
        "Refresh the model's columns, and correct the sync's mappings.";
    WAREHOUSE_TABLE_MISSING MissingResource
        "A table that the sync needs is not in the warehouse."
        "Check that the table exists, and that the model names its schema correctly.";
    PREVIOUS_SYNC_RUN_OBJECT_MISSING Internal
        "What Hightouch stored of the previous run is gone."
        "Run the sync again. If it fails again, ask for a full resync.";
    REMOVE_PLAN_INCOMPLETE Internal
        "Hightouch could not finish the plan of rows to remove."
        "Run the sync again in a few minutes. If it fails again, ask Hightouch.";
    REMOVE_RETRY_CHANGED_COLUMN_TYPES Model
        "The types of columns changed, so rejected removals cannot be retried."
        "Refresh the model's columns, and ask for a full resync.";
    SORT_RAN_OUT_OF_DISK_SPACE TooLarge
        "Hightouch had too little disk space to sort the rows."
        "Make the model return fewer rows, or ask Hightouch.";
    UNSPECIFIED Unknown
        "Hightouch could not say more exactly why the run failed."
        "Look at the run's requests in Hightouch's debugger.";

    // Destinations in general.
    DESTINATION_INVALID_GRANT Credentials
        "The authorization at the destination expired or was revoked."
        "Reconnect the destination in Hightouch.";
    DESTINATION_INVALID_CREDENTIALS Credentials
        "The destination refused the credentials."
        "Correct the credentials in the destination's settings, or reconnect it.";
    DESTINATION_INVALID_API_KEY Credentials
        "The destination's API key is wrong or expired."
        "Put a valid key with the needed permissions into the destination's settings.";
    DESTINATION_DEFINITION_NOT_FOUND Internal
        "Hightouch could not load this type of destination."
        "Check that the type is still supported. If it is, ask Hightouch.";
    DESTINATION_INTERNAL_ERROR Unavailable
        "The destination failed or took too long."
        "Run the sync again. If it fails again, look at the destination's status page.";
    DESTINATION_RATE_LIMIT RateLimit
        "The destination limited the rate of requests."
        "Run the sync again later, and let it run less often or send less at once.";
    DESTINATION_MISSING_AD_ACCOUNT Configuration
        "The destination lacks an ad account, or may not use it."
        "Choose an ad account in the destination's settings that the connection may use.";
    DESTINATION_PAYLOAD_TOO_LARGE TooLarge
        "A request was too large for the destination."
        "Lower the sync's batch size, or map fewer fields.";

    // Salesforce.
    SALESFORCE_INACTIVE_USER Credentials
        "The Salesforce user of the connection is inactive."
        "Reconnect the destination with an active user.";
    SALESFORCE_EXPIRED_TOKEN Credentials
        "The Salesforce access token expired."
        "Reconnect the destination in Hightouch.";
    SALESFORCE_INACTIVE_ORG Unavailable
        "The Salesforce org is inactive or cannot be reached."
        "Check that the org is active and that the connection's user can log in.";
    SALESFORCE_RESOURCE_DOES_NOT_EXIST MissingResource
        "An object, field or record that the sync names is not in Salesforce."
        "Check the names and ids in the sync's settings.";
    SALESFORCE_AUTH_FAILURE Credentials
        "Salesforce refused the login."
        "Check the credentials, the connected app, and restrictions of addresses or logins.";
    SALESFORCE_REQUESTS_LIMIT_EXCEEDED RateLimit
        "Salesforce's limit of API requests is used up."
        "Wait until the limit is reset, or let fewer syncs run less often.";
    SALESFORCE_NETWORK_DIFFICULTY Unavailable
        "The network failed between Hightouch and Salesforce."
        "Run the sync again. If it fails again, look at Salesforce's status page.";
    SALESFORCE_MAX_CALL_STACK Configuration
        "Automation in Salesforce called itself too deeply."
        "Look for triggers and flows in Salesforce that update records again and again.";
    SALESFORCE_UNABLE_TO_LOCK_ROW Conflict
        "Another process was changing the same Salesforce records."
        "Run the sync again later, or lower its parallelism.";

    // Salesforce Marketing Cloud.
    SFMC_DATA_EXTENSION_ADD_UPDATE_ONLY Configuration
        "This kind of sync can only add and update in Marketing Cloud."
        "Change the sync's mode, or choose a data extension that allows the operation.";
    SFMC_IMPORT_FAILED_NO_RECORDS Model
        "The import into Marketing Cloud had no records."
        "Check that the model returned rows for this run.";
    SFMC_INVALID_CLIENT_SECRET Credentials
        "The client secret for Marketing Cloud is wrong or older than its 180 days."
        "Create a new secret, and put it into the destination's settings.";

    // HubSpot.
    HUBSPOT_RATE_LIMIT_DAILY RateLimit
        "HubSpot's daily limit of requests is used up."
        "Wait until the next day, or let syncs run less often.";
    HUBSPOT_RATE_LIMIT_TEN_SECONDLY RateLimit
        "HubSpot's limit for ten seconds was reached."
        "Hightouch retries this itself. If it keeps happening, run fewer syncs to HubSpot at once.";
    HUBSPOT_RATE_LIMIT_SECONDLY RateLimit
        "HubSpot's limit for one second was reached."
        "Hightouch retries this itself. If it keeps happening, send less at once.";
    HUBSPOT_INVALID_REFRESH_TOKEN Credentials
        "HubSpot no longer accepts the refresh token."
        "Reconnect the destination in Hightouch.";
    HUBSPOT_SYNC_ERROR Unknown
        "HubSpot reported an error without details."
        "Run the sync again. If it fails again, look at HubSpot's logs and validation rules.";
    HUBSPOT_CONNECTION_ERROR Unavailable
        "The connection to HubSpot failed."
        "Run the sync again. If it fails again, look at HubSpot's status page.";
    HUBSPOT_CONTACT_ALREADY_EXISTS Conflict
        "HubSpot already has a contact with this email."
        "Check how the sync matches records: HubSpot identifies contacts by email.";
    HUBSPOT_CLOUDFLARE_BLOCKED_IP Permission
        "HubSpot's proxy blocked the address of the request."
        "Allow Hightouch's addresses in HubSpot, or ask HubSpot.";

    // Google Ads.
    GOOGLE_ADS_INTERNAL_SERVER_ERROR Unavailable
        "Google Ads failed."
        "Run the sync again a little later. If it fails again, look at Google Ads' status page.";
    GOOGLE_ADS_USER_LIST_NOT_FOUND MissingResource
        "The audience is not in Google Ads."
        "Check that the audience exists and that the connected account may use it.";
    GOOGLE_ADS_UNAUTHORIZED Permission
        "Google Ads refused the connection or its permissions."
        "Reconnect the destination with an account that has the needed access.";
    GOOGLE_ADS_USER_LIST_NAME_ALREADY_IN_USE Conflict
        "Google Ads already has an audience with this name."
        "Choose another name, or use the existing audience in the sync.";
    GOOGLE_ADS_CONCURRENT_MODIFICATION Conflict
        "Google Ads was still working on another change."
        "Run the sync again in a few minutes, and never two at once for one audience.";
    GOOGLE_ADS_STORE_SALES_DIRECT_DATA_NOT_ALLOWED Permission
        "The Google Ads account may not use direct data of store sales."
        "Check that the account is eligible, and enable it in Google Ads.";
    GOOGLE_ADS_GENERIC_INVALID_ARGUMENT InvalidData
        "Google Ads found the request invalid."
        "Check the mapped values and identifiers. Hightouch's debugger shows the request.";

    // Braze.
    BRAZE_SERVICE_UNAVAILABLE Unavailable
        "Braze was not available."
        "Run the sync again a little later. If it fails again, look at Braze's status page.";
    BRAZE_ACCESS_DENIED Permission
        "Braze refused access."
        "Check the permissions of the API key in Braze.";
    BRAZE_INVALID_REQUEST InvalidData
        "Braze found the request invalid."
        "Check required fields and formats of values. Hightouch's debugger shows the request.";

    // TikTok.
    TIKTOK_GATEWAY_TIMEOUT Timeout
        "TikTok took too long."
        "Run the sync again a little later.";
    TIKTOK_REJECTED_REPLACE_OP Conflict
        "TikTok was still working on another job for the audience."
        "Run the sync again once that job has ended.";
    TIKTOK_AUDIENCE_ERROR MissingResource
        "The TikTok audience is invalid or cannot be edited."
        "Check in TikTok that the audience exists and allows the operation.";
    TIKTOK_PERMISSION_DENIED Permission
        "The TikTok account lacks permissions."
        "Reconnect the destination with an account that may manage the advertiser and the audience.";
    TIKTOK_INVALID_ENCRYPTION_VALUE InvalidData
        "TikTok refused how values are hashed."
        "Check the format of hashes in the sync's settings.";

    // Google Sheets.
    GOOGLE_SHEETS_INVALID_GRANT Credentials
        "The authorization at Google Sheets is no longer valid."
        "Reconnect the destination in Hightouch.";
    GOOGLE_SHEETS_INVALID_DATA_TYPE InvalidData
        "A cell cannot hold one of the values."
        "Convert lists and objects to text in the model.";
    GOOGLE_SHEETS_INVALID_RANGE Configuration
        "The range of cells is invalid."
        "Check the tab and the range in the sync's settings.";
    GOOGLE_SHEETS_EXCEEDS_GRID_LIMITS TooLarge
        "The spreadsheet would have more than 10 million cells."
        "Send fewer rows or columns, or write to another sheet.";
    GOOGLE_SHEETS_MISSING_SHEET_ID Configuration
        "The settings do not say which sheet to write to."
        "Choose the sheet again in the settings.";
    GOOGLE_SHEETS_QUOTA_EXCEEDED RateLimit
        "The quota of Google Sheets' API is used up."
        "Run the sync again later, or less often.";
    GOOGLE_SHEETS_ENTITY_NOT_FOUND MissingResource
        "The spreadsheet or the sheet no longer exists."
        "Check that it exists and is shared with the connected account.";

    // Slack.
    SLACK_NOT_IN_CHANNEL Permission
        "Hightouch's app is not in the Slack channel."
        "Invite the app to the channel, or choose another channel.";
    SLACK_IS_ARCHIVED Configuration
        "The Slack channel is archived."
        "Unarchive the channel, or choose another one.";
    SLACK_INVALID_BLOCKS InvalidData
        "Slack refused the blocks of the message."
        "Check the JSON of the blocks and their required fields.";
    SLACK_NO_TEXT InvalidData
        "The Slack message has no text."
        "Add a text to the message, even if it has blocks.";
    SLACK_NON_CALLABLE_ITERATOR Internal
        "The Slack message could not be built."
        "Run the sync again once. If it fails again, ask Hightouch.";
    SLACK_UNEXPECTED_TOKEN InvalidData
        "The Slack message has a syntax error."
        "Check the template and the JSON of the message.";

    // Destinations that have no section of their own in this list.
    AMPLITUDE_INVALID_JSON_REQUEST InvalidData
        "Amplitude refused the format of the request."
        "Check the mappings against what Amplitude's API takes.";
    CITRUS_AD_INVALID_BASE_URL Configuration
        "The base URL of CitrusAd is invalid."
        "Correct the URL in the destination's settings.";
    ITERABLE_INVALID_LIST_ID MissingResource
        "The id of the Iterable list is invalid."
        "Check that the list exists and that its id is right in the settings.";
    ANAPLAN_BAD_MAPPINGS Configuration
        "The mappings to Anaplan are invalid."
        "Check the mapped dimensions, line items and fields.";
    ANAPLAN_NULL_POINTER InvalidData
        "Anaplan failed on a null."
        "Run the sync again. If it fails again, look for required fields without a value.";
    TABOOLA_MISSING_NUMERIC_ACCOUNT_ID Configuration
        "The Taboola account id is missing or not a number."
        "Put the numeric account id into the destination's settings.";
    ELASTICSEARCH_INVALID_METADATA_TYPE InvalidData
        "Elasticsearch refused the type of a metadata field."
        "Map metadata fields of supported types only.";
    FRESHDESK_CLOUDFLARE_IP_BLOCKED Permission
        "Freshdesk's proxy blocked the address of the request."
        "Allow Hightouch's addresses in Freshdesk, or ask Freshdesk.";

    // Why rows were rejected.
    NULL_EXTERNAL_ID InvalidData
        "Rows have no value in their required external id."
        "Fill the id in every row, or leave such rows out of the model.";
    DUPLICATE_PRIMARY_KEY Model
        "Rows share one primary key."
        "Make the model return each key once.";
    LINKEDIN_INVALID_CONVERSION InvalidData
        "LinkedIn refused a conversion."
        "Check that its required fields are there and have the right format.";
    LINKEDIN_EVENT_TOO_OLD InvalidData
        "An event is too old for LinkedIn."
        "Send newer events; LinkedIn usually takes those of the last 90 days.";
    LINKEDIN_MISSING_USER_IDS InvalidData
        "Rows have no identifier of a LinkedIn user."
        "Map at least one accepted identifier, such as the email.";
    LINKEDIN_MISSING_INVALID_USER_INFO InvalidData
        "Some rows have missing or invalid data about LinkedIn users."
        "Check the identifiers and the fields that LinkedIn matches by.";
    LINKEDIN_MISSING_IDENTIFIER_OR_NAME InvalidData
        "Rows lack a required identifier or name."
        "Fill the fields that LinkedIn matches by.";
    LINKEDIN_INVALID_SEGMENT_VALUE InvalidData
        "LinkedIn found a value of a segment invalid."
        "Check the format of the values, especially of emails.";
    LINKEDIN_PERMISSION_DENIED Permission
        "The LinkedIn account lacks permissions."
        "Reconnect the destination with an account that may manage the audience or conversion.";
    LINKEDIN_API_ERROR Unknown
        "LinkedIn refused rows without saying why."
        "Run the sync again. If it fails again, look at LinkedIn's answers in Hightouch's debugger.";

    // Predictive traits.
    NO_USERS_IN_INPUT_FILE Training
        "The training audience has no users."
        "Check that the parent model or audience returns rows.";
    NO_USER_ROWS_AFTER_FILTERS Training
        "The filters of the trait removed every user."
        "Loosen the filters, or check that their conditions match the data.";
    NO_TRAINING_DATA_FILES Training
        "No training data could be produced."
        "Check that the configured events return data and that the event model can be queried.";
    LABEL_FREQUENCY_TOO_LOW Training
        "The outcome is too rare to train the trait."
        "Look back over a longer time, loosen filters, or choose a more frequent outcome.";
    NO_POSITIVE_EXAMPLES Training
        "The outcome never occurs in the training data."
        "Check that the event occurs for the chosen users.";
    TRAINING_MATRIX_DOWNLOAD_FAILED Internal
        "Hightouch could not fetch the training data."
        "Run it again. If it fails again, ask Hightouch.";
    NO_KEY_EVENTS Training
        "The trait has no events to learn from."
        "Add at least one event to the trait's inputs.";
    EVENT_MODEL_MISCONFIGURED Training
        "The event model's settings are invalid."
        "Check that the event model exists, has a primary key, and has every column that is used.";
    EVENT_QUERY_FAILED Training
        "The events could not be read from the warehouse."
        "Check the warehouse's permissions, the event model's query and its tables.";
    SOURCE_ACCOUNT_LOCKED Credentials
        "The warehouse's user is locked."
        "Wait until the lock ends, or ask the warehouse's administrator.";
    UNKNOWN_EVENT_IN_FILTER Training
        "A filter names an event that is not known."
        "Look for events that were renamed or deleted.";
    INVALID_EVENT_PROPERTY_CONDITION Training
        "A filter on a property of an event is malformed."
        "Correct the filter; names of properties must be text.";
    NO_EVENT_DATA_FILES Training
        "The events produced no data."
        "Check that the events have recent data and that they are pulled.";
    TRAINING_ERROR Internal
        "The training failed inside Hightouch."
        "Run it again once. If it fails again, ask Hightouch.";
    CACHED_EVENT_PULL_DISABLED Training
        "An event that the trait needs is not pulled."
        "Switch the pull on in the schema's settings, and run it again.";
    MALFORMED_EVENT_DATA Training
        "Numeric columns of events have values that are no numbers."
        "Correct the values in the source.";
    MODEL_QUERY_FAILED Training
        "The parent model could not be queried."
        "Check that the model exists and has every column that is used.";
}
