//! Whatever the bytes, no panic.

use gateway::policy::scanner::scan;
use proptest::prelude::*;
use seam::env::Env;

/// Pieces of documents, in any order: nearer to the truth than random bytes.
const PIECES: &[&str] = &[
    "<",
    ">",
    "/",
    "</",
    "/>",
    "<policies>",
    "</policies>",
    "<inbound>",
    "</inbound>",
    "<choose>",
    "<when condition=\"@(",
    "\">",
    "@(",
    "@{",
    ")",
    "}",
    "$\"{",
    "{{",
    "}}",
    "\"",
    "'",
    "&quot;",
    "&#x41;",
    "&",
    ";",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "name",
    "=",
    " ",
    "\n",
    "é",
    "//",
    "/*",
    "*/",
    "{{key}}",
    "<set-variable name=\"a\" value=\"b\" />",
    "<base />",
];

const CONFIG_PIECES: &[&str] = &[
    "version = 1\n",
    "[[apis]]\n",
    "id = \"a\"\n",
    "path = \"a\"\n",
    "path = \"++\"\n",
    "[gateway]\n",
    "[[apis.operations]]\n",
    "method = \"GET\"\n",
    "url_template = \"/{x}\"\n",
    "[[backends]]\n",
    "url = \"http://x\"\n",
    "url = \"${NOPE}\"\n",
    "[[subscriptions]]\n",
    "primary_key = \"k\"\n",
    "product = \"p\"\n",
    "policy = \"missing.xml\"\n",
    "[settings]\n",
    "strict_body = 1\n",
    "[",
    "=",
    "\"",
    "listen = \"x\"\n",
    "[[named_values]]\n",
    "name = \"é\"\n",
    "value = \"v\"\n",
];

fn load_text(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    std::fs::write(&path, bytes).unwrap();
    if let Err(problems) = gateway::load(&path, &Env::empty()) {
        for problem in problems {
            let _ = problem.render(true);
        }
    }
}

fn load_document(bytes: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    std::fs::write(&path, "version = 1\npolicies = { global = \"p.xml\" }\n[[named_values]]\nname = \"key\"\nvalue = \"<x\"\n").unwrap();
    std::fs::write(folder.path().join("p.xml"), bytes).unwrap();
    if let Err(problems) = gateway::load(&path, &Env::empty()) {
        for problem in problems {
            let _ = problem.render(true);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_scanner_takes_any_text(text in any::<String>()) {
        let _ = scan(&text);
    }

    #[test]
    fn the_scanner_takes_any_pieces(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        let text = pieces.concat();
        if let Err(problem) = scan(&text) {
            prop_assert!(problem.span.end <= text.len());
        }
    }

    #[test]
    fn the_loader_takes_any_document(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        load_document(pieces.concat().as_bytes());
    }

    #[test]
    fn the_loader_takes_any_document_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        load_document(&bytes);
    }

    #[test]
    fn the_loader_takes_any_configuration(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        load_text(&bytes);
    }

    #[test]
    fn the_loader_takes_any_configuration_pieces(pieces in proptest::collection::vec(proptest::sample::select(CONFIG_PIECES), 0..20)) {
        load_text(pieces.concat().as_bytes());
    }
}
