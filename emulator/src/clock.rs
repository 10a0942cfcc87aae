//! The clock of tokens, generated events and the `Date` header: the machine's, or one that tests set and advance.

use hyper::header::HeaderValue;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::timestamp::{self, Micros};

/// What the clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Setting {
    /// The machine's time and this many microseconds.
    Offset(Micros),
    /// Always the same instant, in microseconds since 1970.
    StoppedAt(Micros),
}

impl Setting {
    pub(crate) fn now(self) -> Micros {
        match self {
            Self::Offset(offset) => timestamp::now().saturating_add(offset).clamp(timestamp::FIRST, timestamp::LAST),
            Self::StoppedAt(instant) => instant,
        }
    }

    pub(crate) fn check(self) -> Result<(), String> {
        let shown = match self {
            Self::Offset(offset) => timestamp::now().saturating_add(offset),
            Self::StoppedAt(instant) => instant,
        };
        if timestamp::is_shown(shown) { Ok(()) } else { Err("the clock shows only the years 0 to 9999".into()) }
    }
}

#[derive(Debug)]
pub(crate) struct Clock(Mutex<Setting>);

impl Default for Clock {
    fn default() -> Self {
        Self(Mutex::new(Setting::Offset(0)))
    }
}

impl Clock {
    pub(crate) fn now(&self) -> Micros {
        self.setting().now()
    }

    /// The value of the `Date` header, if it is not that of the machine's time.
    pub(crate) fn date_header(&self) -> Option<HeaderValue> {
        match self.setting() {
            Setting::Offset(0) => None,
            setting => HeaderValue::from_str(&timestamp::http_date(setting.now())).ok(),
        }
    }

    pub(crate) fn setting(&self) -> Setting {
        *self.0.lock()
    }

    /// Stops it at an instant or sets its offset.
    pub(crate) fn set(&self, setting: Setting) -> Result<(), String> {
        setting.check()?;
        *self.0.lock() = setting;
        Ok(())
    }

    /// Moves it forward. A clock that runs continues to run.
    pub(crate) fn advance(&self, millis: u64) -> Result<(), String> {
        let mut setting = self.0.lock();
        let step = i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1000);
        let advanced = match *setting {
            Setting::Offset(offset) => Setting::Offset(offset.saturating_add(step)),
            Setting::StoppedAt(instant) => Setting::StoppedAt(instant.saturating_add(step)),
        };
        advanced.check().map_err(|why| format!("advance_ms is {millis}: {why}"))?;
        *setting = advanced;
        Ok(())
    }
}
