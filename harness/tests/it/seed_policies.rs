//! What the policies of prioritization do for each deployment they know, and for one
//! they do not. The scenarios use two of the four.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::seed_toolkit::Stack;

const CALCULATING: &str = "prioritization-token-calculating";
const TRACKING: &str = "prioritization-token-tracking";
const TEXT: &str = "completions";
const CHAT: &str = "chat/completions";
const EMBEDDINGS: &str = "embeddings";

/// A request that costs this many tokens.
fn costing(operation: &str, tokens: usize) -> Value {
    match operation {
        EMBEDDINGS => json!({ "input": "x".repeat(4 * tokens) }),
        CHAT => json!({ "messages": [{ "role": "user", "content": "x" }], "max_tokens": tokens }),
        _ => json!({ "prompt": "x", "max_tokens": tokens }),
    }
}

/// With answers that take a millisecond, all requests of a case come within 10 s.
async fn fast() -> Stack {
    let stack = Stack::start().await;
    let fast = json!({ "latency": {
        "open_ai_completions": { "mean": 1 },
        "open_ai_chat_completions": { "mean": 1 },
        "open_ai_embeddings": { "mean": 1 },
    } });
    stack.patch("ptu1", fast).await;
    stack
}

/// Of requests one after the other, low priority gets so many before fewer are left
/// than it must leave.
#[tokio::test(start_paused = true)]
async fn each_deployment_keeps_its_requests_for_high_priority() {
    let cases = [
        (CALCULATING, "embedding", EMBEDDINGS, 10, 3),
        (CALCULATING, "embedding100k", EMBEDDINGS, 100, 30),
        (CALCULATING, "gpt-35-turbo-10k-token", CHAT, 10, 3),
        (CALCULATING, "gpt-35-turbo-100k-token", CHAT, 100, 30),
        (TRACKING, "embedding", EMBEDDINGS, 10, 3),
        (TRACKING, "embedding100k", EMBEDDINGS, 100, 3),
        (TRACKING, "gpt-35-turbo-10k-token", CHAT, 10, 3),
        (TRACKING, "gpt-35-turbo-100k-token", CHAT, 100, 30),
    ];
    for (api, deployment, operation, limit, kept) in cases {
        let stack = fast().await;
        let body = costing(operation, 1);
        let place = format!("{api}/{deployment}");
        // The one that makes it fewer than `kept` still passes.
        for number in 0..=limit - kept {
            let answer = stack.call(api, (deployment, operation), "low", &body).await;
            assert_eq!(answer.status, 200, "{place}: {number}");
        }
        let refused = stack.call(api, (deployment, operation), "low", &body).await;
        assert_eq!(refused.status, 429, "{place}");
        assert_eq!(refused.body, "Low priority rate-limiting triggered by requests usage");
        assert_eq!(
            refused.header("x-gw-ratelimit-reason"),
            Some("requests-below-low-priority-threshold")
        );
        assert_eq!(refused.number("x-gw-ratelimit-value"), kept - 1, "{place}");
        let high = stack.call(api, (deployment, operation), "high", &body).await;
        assert_eq!(high.status, 200, "{place}");
    }
}

/// As before, by tokens: low priority stops when fewer than 30 % are left.
#[tokio::test(start_paused = true)]
async fn each_deployment_keeps_its_tokens_for_high_priority() {
    for (deployment, operation, limit) in [
        ("embedding", EMBEDDINGS, 10_000),
        ("embedding100k", EMBEDDINGS, 100_000),
        ("gpt-35-turbo-10k-token", TEXT, 10_000),
        ("gpt-35-turbo-100k-token", TEXT, 100_000),
    ] {
        for api in [CALCULATING, TRACKING] {
            let stack = fast().await;
            let ask = async |priority: &str, tokens: usize| {
                let body = costing(operation, tokens);
                stack.call(api, (deployment, operation), priority, &body).await
            };
            let place = format!("{api}/{deployment}");
            // 70 %, all at once.
            let most = (0..limit / 5_000).map(|_| ask("high", 3_500));
            for answer in join_all(most).await {
                assert_eq!(answer.status, 200, "{place}: {}", answer.body);
            }
            // Exactly what must be left is left: this one passes, and then it is less.
            assert_eq!(ask("low", 1).await.status, 200, "{place}");
            // High priority was here: tracking needs no probe.
            let refused = ask("low", 1).await;
            assert_eq!(refused.status, 429, "{place}");
            assert_eq!(refused.body, "Low priority rate-limiting triggered by token usage");
            assert_eq!(
                refused.header("x-gw-ratelimit-reason"),
                Some("tokens-below-low-priority-threshold")
            );
            assert_eq!(refused.number("x-gw-ratelimit-value"), limit * 3 / 10 - 1, "{place}");
            assert_eq!(ask("high", 1).await.status, 200, "{place}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_without_limits_is_not_found() {
    let stack = fast().await;
    // The backend has it; the policies do not.
    let path = ("gpt-35-turbo-20k-token", TEXT);
    for (api, priority, status) in [
        (CALCULATING, "low", 404),
        (CALCULATING, "high", 404),
        (TRACKING, "low", 404),
        (TRACKING, "high", 200),
    ] {
        let answer = stack.call(api, path, priority, &costing(TEXT, 1)).await;
        assert_eq!(answer.status, status, "{api} {priority}");
        if status == 404 {
            assert_eq!(answer.body, "Deployment not found");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calculating_counts_what_the_seed_counts() {
    let message = json!([{ "role": "user", "content": "What is a gateway good for?" }]);
    let text = |length: usize| "x".repeat(length);
    let cases = [
        (CHAT, json!({ "messages": message }), 16),
        (CHAT, json!({ "messages": message, "max_tokens": 50 }), 50),
        (TEXT, json!({ "prompt": "x" }), 16),
        (TEXT, json!({ "prompt": "x", "max_tokens": 10 }), 10),
        (TEXT, json!({ "prompt": "x", "max_tokens": 10, "best_of": 3 }), 30),
        (EMBEDDINGS, json!({ "input": text(974) }), 244),
        (EMBEDDINGS, json!({ "input": ["x", "five!"] }), 1 + 2),
    ];
    for (operation, body, cost) in cases {
        let stack = fast().await;
        let deployment =
            if operation == EMBEDDINGS { "embedding100k" } else { "gpt-35-turbo-100k-token" };
        let left = async || {
            let answer = stack.call(CALCULATING, (deployment, operation), "high", &body).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.number("x-gw-remaining-tokens")
        };
        // Told as it was before the call.
        assert_eq!((left().await, left().await), (100_000, 100_000 - cost), "{operation} {body}");
    }
}

/// When tokens are short and nobody of high priority calls, one low request in 10 s
/// finds out whether they are back, and its answer says that it was let through for that.
#[tokio::test(start_paused = true)]
async fn tracking_lets_one_request_in_ten_seconds_find_out() {
    let stack = fast().await;
    let ask = async |priority: &str, tokens| {
        let path = ("gpt-35-turbo-10k-token", TEXT);
        stack.call(TRACKING, path, priority, &costing(TEXT, tokens)).await
    };
    assert_eq!(ask("low", 4_000).await.status, 200);
    let answer = ask("low", 4_000).await;
    assert_eq!((answer.status, answer.header("x-test")), (200, Some("")));
    for _ in 0..2 {
        // 2,000 are left, of which all are kept.
        let probe = ask("low", 1).await;
        assert_eq!(probe.status, 200, "{}", probe.body);
        assert_eq!(probe.header("x-test"), Some("allowing-extra-low-pri-request"));
        assert_eq!(ask("low", 1).await.status, 429);
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(ask("low", 1).await.status, 429, "9 s later");
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    // High priority's answers bring the news: no probe is needed.
    assert_eq!(ask("high", 1).await.status, 200);
    assert_eq!(ask("low", 1).await.status, 429);
}

/// Tracking knows nothing but what the backend tells: without the header there is no
/// answer it could give.
#[tokio::test(start_paused = true)]
async fn tracking_cannot_do_without_the_backends_header() {
    // A year later the service no longer sent it.
    let stack = Stack::of_era("azure_2025").await;
    let mut refused = None;
    for _ in 0..20 {
        let path = ("gpt-35-turbo-1k-token", TEXT);
        let answer = stack.call(TRACKING, path, "high", &costing(TEXT, 1)).await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.status, 500, "{}", refused.body);
    assert!(refused.body.contains("x-ratelimit-reset-tokens"), "{}", refused.body);
}
