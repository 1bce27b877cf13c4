//! The store, and what a request may take from it.

use proptest::prelude::*;
use tokio::time::{Duration, Instant};

use super::*;
use crate::api::responses::history::Context;
use crate::api::responses::input::InputItem;
use crate::api::responses::object::Stage;
use crate::api::responses::store::{Course, Kept, Store};
use crate::latency::Schedule;

fn kept(id: &str, started: Instant) -> Kept {
    let answer = Answer {
        id: id.to_owned(),
        ..answer(settings(), vec![text(&format!("msg_{id}"), &["A"])])
    };
    keep(answer, Vec::new(), started)
}

fn keep(answer: Answer, input: Vec<InputItem>, started: Instant) -> Kept {
    let context = Context { tokens: 10, open_calls: Vec::new() };
    let record = Arc::new(Record::new(Arc::new(answer), input, context, false));
    let ms = Duration::from_millis;
    let schedule = Schedule::new(vec![vec![ms(300)]], ms(300), 5).beginning(ms(100));
    Kept { record, course: Course::new(started, Arc::new(schedule), 1_007) }
}

#[tokio::test(start_paused = true)]
async fn the_oldest_leave_first_and_all_after_a_month() {
    let now = Instant::now();
    let mut store = Store::new(2);
    for id in ["a", "b", "c"] {
        store.put(kept(id, now));
    }
    let has = |store: &Store, id: &str, now| store.get(id, now).is_some();
    assert!(!has(&store, "a", now) && has(&store, "b", now) && has(&store, "c", now));
    assert!(store.item("msg_a", now).is_none() && store.item("msg_b", now).is_some());
    assert!(store.delete("b", now) && !store.delete("b", now));
    assert!(store.item("msg_b", now).is_none());
    let later = now + Duration::from_secs(30 * 86_400);
    assert!(!has(&store, "c", later));
    let mut none = Store::new(0);
    none.put(kept("a", now));
    assert!(none.get("a", now).is_none());
}

#[tokio::test(start_paused = true)]
async fn stages_follow_the_clock_until_one_is_cancelled() {
    let now = Instant::now();
    let ms = |n| now + Duration::from_millis(n);
    let mut store = Store::new(9);
    store.put(kept("a", now));
    let stage = |store: &Store, at| store.get("a", at).unwrap().stage(at);
    assert_eq!(stage(&store, ms(0)), Stage::Queued);
    assert_eq!(stage(&store, ms(100)), Stage::InProgress);
    assert_eq!(stage(&store, ms(300)), Stage::Over(1_007));
    // Too late: what is over stays as it is.
    store.cancel("a", ms(300));
    assert_eq!(stage(&store, ms(300)), Stage::Over(1_007));
    store.cancel("a", ms(200));
    assert_eq!(stage(&store, ms(900)), Stage::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn large_requests_push_out_more_than_one() {
    let now = Instant::now();
    let mut store = Store::new(1_000);
    for id in ["a", "b", "c"] {
        let json = "x".repeat(30 << 20);
        let content = crate::api::responses::input::Content::Other { json };
        let answer = Answer { id: id.to_owned(), ..answer(settings(), Vec::new()) };
        store.put(keep(answer, vec![InputItem { id: None, content }], now));
    }
    let there: Vec<bool> = ["a", "b", "c"].map(|id| store.get(id, now).is_some()).into();
    assert_eq!(there, [false, true, true]);
}

/// What a store holds, as requests see it.
struct Held<'a>(&'a Store, Instant);

impl Past for Held<'_> {
    fn response(&self, id: &str) -> Option<Arc<Record>> {
        self.0.get(id, self.1).map(|kept| Arc::clone(&kept.record))
    }

    fn item(&self, id: &str) -> Option<KnownItem> {
        self.0.item(id, self.1)
    }
}

#[tokio::test(start_paused = true)]
async fn requests_take_up_what_was_said() {
    let now = Instant::now();
    let mut store = Store::new(9);
    let thoughts = item("rs_1", Output::Reasoning { summary: Vec::new(), sealed: None });
    let said = Answer {
        id: "resp_1".to_owned(),
        ..answer(thinking(), vec![thoughts, text("msg_1", &["A"])])
    };
    store.put(keep(said, Vec::new(), now));
    let model = Model::find("gpt-5").unwrap();
    let read = |body: &str| {
        let json = parse_json(body.as_bytes()).unwrap();
        super::super::read(Fields(&json), body.as_bytes(), &model, &Held(&store, now))
    };
    use crate::api::call::Call as _;
    let plain = read(r#"{"input":"hello"}"#).unwrap().prompt_tokens(&model);
    let chained = read(r#"{"input":"hello","previous_response_id":"resp_1"}"#).unwrap();
    assert_eq!(chained.prompt_tokens(&model), plain + 10);
    // Nothing new said is something when there is a past.
    assert!(read(r#"{"input":[],"previous_response_id":"resp_1"}"#).is_ok());
    let user = r#"{"role":"user","content":"x"}"#;
    let msg = r#"{"type":"item_reference","id":"msg_1"}"#;
    let rs = r#"{"type":"item_reference","id":"rs_1"}"#;
    let complaint = read(&format!(r#"{{"input":[{user},{msg},{user}]}}"#)).unwrap_err();
    assert!(complaint.body(Style::OpenAi).contains(
        "Item 'msg_1' of type 'message' was provided without its required 'reasoning' item: 'rs_1'."
    ));
    assert!(read(&format!(r#"{{"input":[{user},{rs},{msg},{user}]}}"#)).is_ok());
    let complaint = read(&format!(r#"{{"input":[{user},{rs}]}}"#)).unwrap_err();
    assert!(complaint.body(Style::OpenAi).contains("without its required following item."));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Against a list that is searched and cut by hand.
    #[test]
    fn the_store_is_the_last_so_many(
        capacity in 1_usize..6,
        steps in prop::collection::vec((0_u8..3, 0_u8..8), 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let now = Instant::now();
            let mut store = Store::new(capacity);
            let mut list: Vec<String> = Vec::new();
            for (number, (what, which)) in steps.into_iter().enumerate() {
                if what < 2 {
                    let id = format!("{number}");
                    store.put(kept(&id, now));
                    list.push(id);
                    let cut = list.len().saturating_sub(capacity);
                    list.drain(..cut);
                } else if let Some(id) = list.get(usize::from(which)).cloned() {
                    assert!(store.delete(&id, now));
                    list.retain(|other| *other != id);
                }
                for id in &list {
                    assert!(store.get(id, now).is_some());
                    assert!(store.item(&format!("msg_{id}"), now).is_some());
                }
                assert!(list.is_empty() || store.get("nobody", now).is_none());
            }
        });
    }
}
