//! What each request left behind: a bounded ring with a cursor.
//!
//! Requests get their `number` when they arrive and their `sequence` when they
//! are over. The cursor goes by sequence: a slow request that ends after its
//! later neighbours were read still comes after them.

use std::collections::VecDeque;

use serde::Serialize;

use super::packed::{Kept, Words};

/// One request, once it is over. Times are microseconds since the Unix epoch;
/// `null` is what did not happen.
#[derive(Debug, Clone, PartialEq, Serialize, Default)]
pub(super) struct Record {
    /// Order of ending, from 1, without gaps: the cursor.
    pub sequence: u64,
    /// Order of arrival, from 1.
    pub number: u64,
    /// The `x-ms-client-request-id` that came.
    pub correlation_id: Option<String>,
    /// What let it in: `key`, `bearer_key` or `entra_token`.
    pub credential: Option<&'static str>,
    /// The trace id of the `traceparent` that came (W3C Trace Context).
    pub trace_id: Option<String>,
    pub deployment: Option<String>,
    pub operation: Option<&'static str>,
    pub received_us: u64,
    pub admitted_us: Option<u64>,
    pub first_byte_us: Option<u64>,
    pub done_us: u64,
    /// As sent; 499 when the client went away before the end, 444 when a fault let
    /// nothing be sent.
    pub status: u16,
    /// Why it was not answered, in one word.
    pub reason: Option<&'static str>,
    /// The standard deployment that tried after this provisioned one, under the
    /// same number.
    pub spilled_to: Option<String>,
    /// The provisioned deployment that tried before this standard one.
    pub spilled_from: Option<String>,
    /// Of the two attempts of a request that spilled over: the other one was the
    /// reply.
    pub superseded: bool,
    /// The tier that served it, if not the default.
    pub service_tier: Option<&'static str>,
    /// The fault that struck it.
    pub fault: Option<String>,
    pub prompt_tokens: Option<u64>,
    pub cached_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    /// Tokens the limiter counted at admission.
    pub counted_tokens: Option<u64>,
    /// Utilisation after admission, 1.0 is full.
    pub utilization: Option<f64>,
    pub remaining_tokens: Option<u64>,
    pub remaining_requests: Option<u64>,
}

/// The newest records.
#[derive(Debug)]
pub(super) struct Journal {
    /// Which start of the process writes it.
    instance: String,
    capacity: usize,
    records: VecDeque<Kept>,
    words: Words,
    /// The sequence the last record got.
    last: u64,
}

/// A stretch of the journal.
#[derive(Debug, Serialize)]
pub(super) struct Page {
    /// Another one than before: restarted, and sequences began anew.
    pub instance: String,
    pub records: Vec<Record>,
    /// What to send as `after` next time.
    pub next: u64,
    /// How many records after the cursor the ring has lost.
    pub dropped: u64,
}

impl Journal {
    pub(super) fn new(instance: String, capacity: usize) -> Self {
        Self { instance, capacity, records: VecDeque::new(), words: Words::default(), last: 0 }
    }

    pub(super) fn push(&mut self, record: Record) {
        self.last += 1;
        let held = self.records.len();
        if self.capacity <= held {
            self.records.pop_front();
        } else if held == self.records.capacity() {
            // Never beyond what is used: a full ring goes through all of its room.
            self.records.reserve_exact(held.max(1_024).min(self.capacity - held));
        }
        self.records.push_back(Kept::of(record, &mut self.words));
    }

    /// The sequence of the newest record there was; 0 before the first.
    pub(super) fn last_sequence(&self) -> u64 {
        self.last
    }

    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Forgets all records; sequences go on.
    pub(super) fn clear(&mut self) {
        self.records.clear();
    }

    /// At most `limit` records with a sequence above `after`.
    pub(super) fn page(&self, after: u64, limit: usize) -> Page {
        let oldest = self.last + 1 - self.records.len() as u64;
        let dropped = oldest.saturating_sub(1).saturating_sub(after);
        let skip =
            usize::try_from(after.saturating_add(1).saturating_sub(oldest)).unwrap_or(usize::MAX);
        let sequences = oldest.saturating_add(skip as u64)..;
        let kept = self.records.iter().skip(skip).take(limit);
        let records: Vec<Record> = kept
            .zip(sequences)
            .map(|(kept, sequence)| kept.record(sequence, &self.words))
            .collect();
        let next = records.last().map_or(after, |record| record.sequence);
        Page { instance: self.instance.clone(), records, next, dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(page: &Page) -> Vec<u64> {
        page.records.iter().map(|record| record.number).collect()
    }

    #[test]
    fn a_late_finisher_is_not_skipped() {
        let mut journal = Journal::new("i".into(), 10);
        journal.push(Record { number: 2, ..Record::default() });
        let page = journal.page(0, 100);
        assert_eq!((numbers(&page), page.next), (vec![2], 1));
        journal.push(Record { number: 1, ..Record::default() });
        let page = journal.page(page.next, 100);
        assert_eq!((numbers(&page), page.next, page.dropped), (vec![1], 2, 0));
        let page = journal.page(page.next, 100);
        assert_eq!((numbers(&page), page.next), (vec![], 2));
    }

    #[test]
    fn the_ring_says_what_it_lost() {
        let mut journal = Journal::new("i".into(), 3);
        for number in 1..=5 {
            journal.push(Record { number, ..Record::default() });
        }
        let page = journal.page(0, 2);
        assert_eq!((numbers(&page), page.next, page.dropped), (vec![3, 4], 4, 2));
        let page = journal.page(4, 2);
        assert_eq!((numbers(&page), page.dropped), (vec![5], 0));
        assert_eq!(numbers(&journal.page(u64::MAX - 1, 2)), Vec::<u64>::new());
    }
}
