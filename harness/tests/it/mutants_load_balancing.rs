//! Wrong gateways that the load-balancing scenarios must fail, with words that
//! name the cause.

use crate::mutants::check;

const TURNS: &str = "capabilities/load-balancing/take-turns.xml";
const DRAW: &str = "capabilities/load-balancing/draw-by-weight.xml";
const POLICY: &str = "capabilities/load-balancing/round-robin-simple.xml";
const GATEWAY: &str = "capabilities/load-balancing/gateway.toml";
const SIMPLE: &str = "scenarios/load-balancing-simple.toml";
const SIMPLE_POOL: &str = "scenarios/load-balancing-simple-v2.toml";
const ALONE: &str = "scenarios/load-balancing-alternation.toml";
const WEIGHTED: &str = "scenarios/load-balancing-weighted.toml";
const WEIGHTED_POOL: &str = "scenarios/load-balancing-weighted-v2.toml";

const NEXT: &str = "(int)context.Variables[&quot;turn&quot;] % backends.Length";

#[test]
fn turns_that_are_drawn() {
    let random = (NEXT, "new Random().Next(backends.Length)");
    let expected = [("A3", "came from where the one before came from")];
    check(TURNS, &[random], ALONE, &expected);
}

#[test]
fn turns_that_begin_with_the_other() {
    let other = (NEXT, "((int)context.Variables[&quot;turn&quot;] + 1) % backends.Length");
    let expected = [("A3", "the first came from payg1, not from payg2")];
    check(TURNS, &[other], ALONE, &expected);
}

#[test]
fn a_counter_that_is_never_stored() {
    let forgets = ("<cache-store-value key=\"roundRobinTurn\"", "<cache-store-value key=\"other\"");
    let expected = [("A2", "but 0 of 328 came from it (0 %); 328 from payg2")];
    check(TURNS, &[forgets], SIMPLE, &expected);
}

#[test]
fn a_third_backend() {
    let third = ("PAYG2_URL:-http://localhost:8003", "PTU1_URL:-http://localhost:8001");
    let expected = [("A3", "expected no answer from ptu1, but 16")];
    for scenario in [SIMPLE, SIMPLE_POOL] {
        check(GATEWAY, &[third], scenario, &expected);
    }
}

#[test]
fn a_header_that_names_the_wrong_backend() {
    let wrong = (
        "@((string)context.Variables[\"chosenBackend\"])",
        "@((string)context.Variables[\"chosenBackend\"] == \"payg-backend-1\" ? \"payg-backend-2\" : \"payg-backend-1\")",
    );
    let expected = [("A4", "from payg1 had x-apim-backend: payg-backend-2")];
    check(POLICY, &[wrong], SIMPLE, &expected);
    let none = ("exists-action=\"override\"", "exists-action=\"delete\"");
    check(POLICY, &[none], SIMPLE, &[("A4", "from payg1 had no x-apim-backend")]);
}

#[test]
fn a_pool_whose_policy_tells_the_backend() {
    let file = "capabilities/load-balancing/round-robin-simple-v2.xml";
    let tells = (
        "<outbound>\n        <base />",
        "<outbound>\n        <base />\n        <set-header name=\"x-apim-backend\"><value>@(context.Backend.Id)</value></set-header>",
    );
    let expected = [("A5", "had x-apim-backend: simple-round-robin-backend-pool")];
    check(file, &[tells], SIMPLE_POOL, &expected);
}

#[test]
fn weights_swapped() {
    let swapped = (
        "{ &quot;payg-backend-1&quot;, &quot;payg-backend-1&quot;, &quot;payg-backend-2&quot; }",
        "{ &quot;payg-backend-2&quot;, &quot;payg-backend-2&quot;, &quot;payg-backend-1&quot; }",
    );
    let expected = [
        ("A2", "expected exactly 60.2 % to 73.2 % of the answers from payg1"),
        ("weights", "expected 50 % to 80 % of the answers from payg1"),
    ];
    check(DRAW, &[swapped], WEIGHTED, &expected);

    let pool = "{ id = \"payg-backend-1\", priority = 1, weight = 2 },\n    { id = \"payg-backend-2\", priority = 1, weight = 1 }";
    let swapped = "{ id = \"payg-backend-1\", priority = 1, weight = 1 },\n    { id = \"payg-backend-2\", priority = 1, weight = 2 }";
    let expected = [("A2", "but 164 of 492 came from it (33.3 %); 328 from payg2")];
    check(GATEWAY, &[(pool, swapped)], WEIGHTED_POOL, &expected);
}

#[test]
fn weights_that_are_equal() {
    let equal = (
        "{ &quot;payg-backend-1&quot;, &quot;payg-backend-1&quot;, &quot;payg-backend-2&quot; }",
        "{ &quot;payg-backend-1&quot;, &quot;payg-backend-2&quot; }",
    );
    check(DRAW, &[equal], WEIGHTED, &[("A2", "of the answers from payg1, but")]);
}

#[test]
fn all_to_one_backend() {
    let one = ("new Random().Next(lots.Length)", "0");
    let expected = [("A2", "but 492 of 492 came from it (100 %)")];
    check(DRAW, &[one], WEIGHTED, &expected);
    let later = (
        "{ id = \"payg-backend-2\", priority = 1, weight = 1 }",
        "{ id = \"payg-backend-2\", priority = 2, weight = 1 }",
    );
    let expected = [("A2", "but 328 of 328 came from it (100 %)")];
    check(GATEWAY, &[later], SIMPLE_POOL, &expected);
}
