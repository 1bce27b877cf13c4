//! Values that several kinds are made of.

/// Allowed shares and how to compare with them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareBand {
    /// Least.
    pub lower: f64,
    /// Greatest.
    pub upper: f64,
    /// By counts or by interval.
    pub comparison: Comparison,
}

/// How an observed share is held against its band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The counts themselves: a fact about this run.
    Exact,
    /// A confidence interval: a statement about the gateway.
    Interval,
}

/// Bounds of which at least one is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits<T> {
    /// Least.
    pub at_least: Option<T>,
    /// Greatest.
    pub at_most: Option<T>,
}

/// Which requests a latency is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Every request; one without a 2xx answer is slower than any limit.
    All,
    /// Requests answered 2xx.
    Successes,
}

impl Sample {
    /// By the key `successes_only`.
    pub(super) fn of(successes_only: bool) -> Self {
        if successes_only { Sample::Successes } else { Sample::All }
    }
}

/// A set of statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statuses {
    /// These.
    Codes(Vec<u16>),
    /// The first digit.
    Class(u16),
}

impl Statuses {
    /// Whether `status` is one of them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        match self {
            Statuses::Codes(codes) => codes.contains(&status),
            Statuses::Class(class) => status / 100 == *class,
        }
    }
}

impl std::fmt::Display for Statuses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Statuses::Class(class) => write!(f, "{class}xx"),
            Statuses::Codes(codes) => {
                let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
                f.write_str(&codes.join(" or "))
            }
        }
    }
}

/// Whose statuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeenBy {
    /// What clients got.
    Clients,
    /// What this simulator sent.
    Simulator(String),
}
