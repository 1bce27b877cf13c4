//! Records as the journal keeps them: about a quarter of their size.
//!
//! The journal holds a hundred thousand records by default, and they are most of what
//! a busy simulator's memory grows by. Times are kept as distances, words by their
//! place in a table. What does not fit, or is rare, is kept as it is.

use super::journal::Record;

/// Words that records share, by their place from 1; 0 is none.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Few: names in the code.
    fixed: Vec<&'static str>,
    /// Deployments. Clients can name any, so the table is bounded.
    names: Vec<Box<str>>,
}

const MOST_WORDS: usize = 64;

impl Words {
    fn fixed(&mut self, word: Option<&'static str>) -> Option<u8> {
        let Some(word) = word else { return Some(0) };
        place(&mut self.fixed, |known| *known == word, || word)
    }

    fn name(&mut self, name: Option<&str>) -> Option<u8> {
        let Some(name) = name else { return Some(0) };
        place(&mut self.names, |known| **known == *name, || name.into())
    }

    fn fixed_at(&self, place: u8) -> Option<&'static str> {
        self.fixed.get(usize::from(place).checked_sub(1)?).copied()
    }

    fn name_at(&self, place: u8) -> Option<&str> {
        self.names.get(usize::from(place).checked_sub(1)?).map(|name| &**name)
    }
}

/// The place of a word, new or known; `None`: the table is full.
fn place<T>(table: &mut Vec<T>, is: impl Fn(&T) -> bool, new: impl FnOnce() -> T) -> Option<u8> {
    let index = match table.iter().position(is) {
        Some(index) => index,
        None if table.len() < MOST_WORDS => {
            table.push(new());
            table.len() - 1
        }
        None => return None,
    };
    u8::try_from(index + 1).ok()
}

/// A number of some bytes, all ones for none.
#[derive(Debug, Clone, Copy)]
struct Number<const BYTES: usize>([u8; BYTES]);

/// Nine years of microseconds, or as many requests.
type Long = Number<6>;
/// A million million tokens.
type Short = Number<5>;

impl<const BYTES: usize> Number<BYTES> {
    const NONE: u64 = (1 << (8 * BYTES)) - 1;

    /// `None`: too large.
    fn of(value: Option<u64>) -> Option<Self> {
        let value = value.map_or(Some(Self::NONE), |own| (own < Self::NONE).then_some(own))?;
        value.to_le_bytes().first_chunk().copied().map(Self)
    }

    fn get(self) -> Option<u64> {
        let mut bytes = [0; 8];
        *bytes.first_chunk_mut()? = self.0;
        let value = u64::from_le_bytes(bytes);
        (value != Self::NONE).then_some(value)
    }
}

/// A record in the journal. Its sequence follows from its place.
#[derive(Debug)]
pub(super) struct Kept {
    received_us: u64,
    /// NaN for none.
    utilization: f64,
    rest: Option<Box<Rest>>,
    number: Long,
    /// Admitted, first byte, done: after it was received.
    times: [Long; 3],
    /// Prompt, cached, completion, counted; tokens and requests that remain.
    counts: [Short; 6],
    status: u16,
    /// Credential, operation, reason, tier.
    words: [u8; 4],
    deployment: u8,
}

/// What most records do without.
#[derive(Debug)]
enum Rest {
    /// Correlation and trace.
    Ids([Option<Box<str>>; 2]),
    /// The whole record: nothing else of what is kept means anything.
    Whole(Box<Record>),
}

impl Kept {
    pub(super) fn of(record: Record, words: &mut Words) -> Self {
        Self::packed(&record, words).unwrap_or_else(|| Self::whole(record))
    }

    fn whole(record: Record) -> Self {
        Self {
            received_us: 0,
            utilization: f64::NAN,
            rest: Some(Box::new(Rest::Whole(Box::new(record)))),
            number: Number([0; 6]),
            times: [Number([0; 6]); 3],
            counts: [Number([0; 5]); 6],
            status: 0,
            words: [0; 4],
            deployment: 0,
        }
    }

    fn packed(record: &Record, words: &mut Words) -> Option<Self> {
        // Every field by name: a new one must be thought of here.
        let Record {
            sequence: _,
            number,
            correlation_id,
            credential,
            trace_id,
            deployment,
            operation,
            received_us,
            admitted_us,
            first_byte_us,
            done_us,
            status,
            reason,
            spilled_to: None,
            spilled_from: None,
            superseded: false,
            service_tier,
            fault: None,
            prompt_tokens,
            cached_tokens,
            completion_tokens,
            counted_tokens,
            utilization,
            remaining_tokens,
            remaining_requests,
        } = record
        else {
            return None;
        };
        let after = |at: Option<u64>| match at {
            None => Number::of(None),
            Some(at) => Number::of(Some(at.checked_sub(*received_us)?)),
        };
        let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
        let has_ids = correlation_id.is_some() || trace_id.is_some();
        Some(Self {
            received_us: *received_us,
            utilization: match utilization {
                None => f64::NAN,
                Some(own) if own.is_nan() => return None,
                Some(own) => *own,
            },
            rest: has_ids.then(|| Box::new(Rest::Ids([boxed(correlation_id), boxed(trace_id)]))),
            number: Number::of(Some(*number))?,
            times: [after(*admitted_us)?, after(*first_byte_us)?, after(Some(*done_us))?],
            counts: [
                Number::of(*prompt_tokens)?,
                Number::of(*cached_tokens)?,
                Number::of(*completion_tokens)?,
                Number::of(*counted_tokens)?,
                Number::of(*remaining_tokens)?,
                Number::of(*remaining_requests)?,
            ],
            status: *status,
            words: [
                words.fixed(*credential)?,
                words.fixed(*operation)?,
                words.fixed(*reason)?,
                words.fixed(*service_tier)?,
            ],
            deployment: words.name(deployment.as_deref())?,
        })
    }

    pub(super) fn record(&self, sequence: u64, table: &Words) -> Record {
        let ids = match self.rest.as_deref() {
            Some(Rest::Whole(record)) => return Record { sequence, ..Record::clone(record) },
            Some(Rest::Ids(ids)) => Some(ids),
            None => None,
        };
        let at = |time: Long| time.get().map(|after| self.received_us + after);
        let [admitted, first_byte, done] = self.times;
        let [credential, operation, reason, service_tier] =
            self.words.map(|place| table.fixed_at(place));
        let [prompt, cached, completion, counted, tokens, requests] = self.counts.map(Number::get);
        let text = |index: usize| ids?.get(index)?.as_deref().map(str::to_owned);
        Record {
            sequence,
            number: self.number.get().unwrap_or_default(),
            correlation_id: text(0),
            credential,
            trace_id: text(1),
            deployment: table.name_at(self.deployment).map(str::to_owned),
            operation,
            received_us: self.received_us,
            admitted_us: at(admitted),
            first_byte_us: at(first_byte),
            done_us: at(done).unwrap_or(self.received_us),
            status: self.status,
            reason,
            service_tier,
            prompt_tokens: prompt,
            cached_tokens: cached,
            completion_tokens: completion,
            counted_tokens: counted,
            utilization: (!self.utilization.is_nan()).then_some(self.utilization),
            remaining_tokens: tokens,
            remaining_requests: requests,
            ..Record::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    fn word() -> impl Strategy<Value = Option<&'static str>> {
        of(prop::sample::select(vec!["key", "ChatCompletions_Create", "tokens", "priority"]))
    }

    fn number() -> impl Strategy<Value = Option<u64>> {
        of(prop_oneof![0..1_000_000_u64, Just(Short::NONE), Just(u64::MAX)])
    }

    prop_compose! {
        fn record()(
            number in 0..1_000_000_u64,
            texts in prop::array::uniform5(of("[a-z]{0,3}")),
            words in prop::array::uniform4(word()),
            received_us in 1_000_000..2_000_000_u64,
            times in prop::array::uniform2(of(1_000_000..3_000_000_u64)),
            done_us in 900_000..3_000_000_u64,
            status in 200..600_u16,
            counts in prop::array::uniform6(number()),
            utilization in of(0.0..2.0_f64),
            (fault, superseded) in (of("[a-z]{1,3}"), prop::bool::weighted(0.1)),
        ) -> Record {
            let [correlation_id, trace_id, deployment, spilled_to, spilled_from] = texts;
            let rare = superseded.then_some(()).and(fault);
            let [credential, operation, reason, service_tier] = words;
            let [prompt, cached, completion, counted, tokens, requests] = counts;
            Record {
                sequence: 7, number, correlation_id, credential, trace_id, deployment,
                operation, received_us, admitted_us: times[0], first_byte_us: times[1],
                done_us, status, reason,
                spilled_to: rare.clone().and(spilled_to),
                spilled_from: rare.clone().and(spilled_from),
                superseded, service_tier, fault: rare, prompt_tokens: prompt,
                cached_tokens: cached, completion_tokens: completion, counted_tokens: counted,
                utilization, remaining_tokens: tokens, remaining_requests: requests,
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost(records in prop::collection::vec(record(), 1..100)) {
            let mut words = Words::default();
            let kept: Vec<Kept> =
                records.iter().map(|record| Kept::of(record.clone(), &mut words)).collect();
            let found: Vec<Record> = kept.iter().map(|kept| kept.record(7, &words)).collect();
            prop_assert_eq!(found, records);
        }
    }

    #[test]
    fn usual_records_are_packed_and_small() {
        let usual = Record {
            number: 1,
            deployment: Some("d".into()),
            received_us: 5,
            done_us: 9,
            status: 200,
            ..Record::default()
        };
        let mut words = Words::default();
        assert!(Kept::of(usual.clone(), &mut words).rest.is_none());
        let rare = Record { superseded: true, ..usual };
        assert!(Kept::of(rare, &mut words).rest.is_some());
        assert!(size_of::<Kept>() <= 88, "{}", size_of::<Kept>());
    }

    #[test]
    fn the_tables_are_bounded() {
        let mut words = Words::default();
        for number in 0..MOST_WORDS {
            assert!(words.name(Some(&number.to_string())).is_some());
        }
        assert_eq!(words.name(Some("one too many")), None);
        assert_eq!(words.name(Some("3")), Some(4));
    }
}
