//! The query of `GET /workspaces/events`.

use hyper::StatusCode;
use serde_json::json;

use crate::answer::Answer;
use crate::config::{Config, DateBounds, PageZero};
use crate::timestamp::{self, Micros};
use crate::urlencoded;

/// A parsed query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventQuery {
    /// Number of matching events to skip, in the order of the list.
    pub(crate) skip: u64,
    /// Maximum number of events to return.
    pub(crate) take: u64,
    /// Event types; `None` means all.
    pub(crate) event_types: Option<Vec<String>>,
    pub(crate) resource_type: Option<String>,
    /// Acting users; `None` means all.
    pub(crate) event_user_ids: Option<Vec<String>>,
    /// First matching instant.
    pub(crate) from: Micros,
    /// Last matching instant.
    pub(crate) until: Micros,
}

/// A parameter that the API would reject.
struct Invalid {
    parameter: String,
    message: String,
}

fn invalid(parameter: &str, message: impl Into<String>) -> Invalid {
    Invalid { parameter: parameter.to_owned(), message: message.into() }
}

impl EventQuery {
    /// Parses the query, or returns the 422 response. Unknown parameters are ignored.
    pub(crate) fn read(query: &str, config: &Config) -> Result<Self, Answer> {
        Self::parse(query, config).map_err(|Invalid { parameter, message }| {
            Answer::json(
                StatusCode::UNPROCESSABLE_ENTITY,
                &json!({
                    "code": "validation_error",
                    "message": format!("{parameter}: {message}"),
                    "detail": [{ "loc": ["query", parameter], "msg": message, "type": "value_error" }],
                }),
            )
        })
    }

    fn parse(query: &str, config: &Config) -> Result<Self, Invalid> {
        let pairs = urlencoded::parse(query).map_err(|why| invalid("query", why.to_string()))?;
        let mut read = Self {
            skip: 0,
            take: config.default_page_size,
            event_types: None,
            resource_type: None,
            event_user_ids: None,
            from: Micros::MIN,
            until: Micros::MAX,
        };
        let mut page = None;
        let step = Micros::from(config.dates == DateBounds::Exclusive);
        for (position, (name, value)) in pairs.iter().enumerate() {
            match name.as_str() {
                "page" => page = Some(number(name, value)?),
                "page_size" => read.take = number(name, value)?,
                "event_types" => read.event_types = list(name, value)?,
                "event_user_ids" => read.event_user_ids = list(name, value)?,
                "resource_type" => read.resource_type = Some(value.clone()),
                "after_date" => read.from = instant(name, value)? + step,
                "before_date" => read.until = instant(name, value)? - step,
                _ => continue,
            }
            if pairs[..position].iter().any(|(earlier, _)| earlier == name) {
                return Err(invalid(name, "given more than once"));
            }
        }
        if read.take == 0 {
            return Err(invalid("page_size", "must be at least 1"));
        }
        read.take = read.take.min(config.max_page_size);
        match (page, config.first_page, config.page_zero) {
            (None, ..) | (Some(0), 1, PageZero::First) => {}
            (Some(0), 1, PageZero::Error) => return Err(invalid("page", "must be at least 1")),
            (Some(0), 1, PageZero::Empty) => read.take = 0,
            (Some(page), first, _) => read.skip = (page - first).saturating_mul(read.take),
        }
        Ok(read)
    }

    /// Whether it filters by anything except dates.
    pub(crate) fn has_filters(&self) -> bool {
        self.event_types.is_some() || self.resource_type.is_some() || self.event_user_ids.is_some()
    }
}

fn number(name: &str, value: &str) -> Result<u64, Invalid> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let read = if digits { value.parse().ok() } else { None };
    read.ok_or_else(|| invalid(name, format!("{value:?} is not a non-negative integer")))
}

/// An empty list does not filter.
fn list(name: &str, value: &str) -> Result<Option<Vec<String>>, Invalid> {
    let read: Vec<String> =
        serde_json::from_str(value).map_err(|_| invalid(name, format!("{value:?} is not a JSON array of strings")))?;
    Ok((!read.is_empty()).then_some(read))
}

fn instant(name: &str, value: &str) -> Result<Micros, Invalid> {
    timestamp::parse(value).ok_or_else(|| invalid(name, format!("{value:?} is not a date")))
}
