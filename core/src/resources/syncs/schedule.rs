//! Schedules of syncs. A schedule has the same structure in answers and in requests.

model! {
    /// The schedule of a sync.
    pub struct Schedule (sent) {
        /// Hightouch's name for the type of schedule, such as `interval`.
        needed type_ = "type": String,
        /// The rule that starts runs. Some types of schedule have no rule.
        optional schedule = "schedule": ScheduleRule,
    }
}

union! {
    /// The rule of a schedule: an interval, a cron expression, days and times, or a job of dbt Cloud.
    pub enum ScheduleRule {
        /// Runs start at a fixed interval of minutes, hours, days or weeks.
        Interval(IntervalRule) = "interval" by "interval",
        /// Runs start by a cron expression.
        Cron(CronRule) = "cron" by "expression",
        /// Runs start on days of the week, at a time of day.
        Visual(VisualRule) = "visual" by "expressions",
        /// Runs start after a job of dbt Cloud.
        Dbt(DbtRule) = "dbt" by "job",
    }
}

model! {
    /// A rule that starts runs at a fixed interval.
    pub struct IntervalRule (sent) {
        /// The interval between runs.
        needed interval = "interval": Interval,
    }
}

model! {
    /// A length of time between runs.
    pub struct Interval (sent) {
        /// The unit of time.
        needed unit = "unit": IntervalUnit,
        /// Number of units.
        needed quantity = "quantity": i64,
    }
}

open_enum! {
    /// A unit of time.
    pub enum IntervalUnit {
        /// Minutes.
        Minute = "minute",
        /// Hours.
        Hour = "hour",
        /// Days.
        Day = "day",
        /// Weeks.
        Week = "week",
    }
}

model! {
    /// A rule that starts runs by a cron expression.
    pub struct CronRule (sent) {
        /// Cron expression. The time zone is not documented.
        needed expression = "expression": String,
    }
}

model! {
    /// A rule that starts runs on days of the week, at a time of day.
    pub struct VisualRule (sent) {
        /// Days and times at which runs start.
        defaulted expressions = "expressions": Vec<VisualExpression>,
    }
}

model! {
    /// Days of the week, and a time of day.
    pub struct VisualExpression (sent) {
        /// Days on which a run starts.
        needed days = "days": VisualDays,
        /// Time of day. The format and the time zone are not documented.
        needed time = "time": String,
    }
}

model! {
    /// Days of the week. A day that is absent is not selected.
    pub struct VisualDays (sent) {
        /// Whether runs start on Mondays.
        optional monday = "monday": bool,
        /// Whether runs start on Tuesdays.
        optional tuesday = "tuesday": bool,
        /// Whether runs start on Wednesdays.
        optional wednesday = "wednesday": bool,
        /// Whether runs start on Thursdays.
        optional thursday = "thursday": bool,
        /// Whether runs start on Fridays.
        optional friday = "friday": bool,
        /// Whether runs start on Saturdays.
        optional saturday = "saturday": bool,
        /// Whether runs start on Sundays.
        optional sunday = "sunday": bool,
    }
}

model! {
    /// A rule that starts a run after a job of dbt Cloud.
    pub struct DbtRule (sent) {
        /// Account in dbt Cloud.
        needed account = "account": DbtAccount,
        /// Job after which the sync runs.
        needed job = "job": DbtJob,
    }
}

model! {
    /// An account in dbt Cloud.
    pub struct DbtAccount (sent) {
        /// Id in dbt Cloud.
        needed id = "id": String,
    }
}

model! {
    /// A job in dbt Cloud.
    pub struct DbtJob (sent) {
        /// Id in dbt Cloud.
        needed id = "id": String,
    }
}
