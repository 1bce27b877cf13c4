//! The tolerant scanner: no panic, and every place it names lies in the text.
#![no_main]

use gateway::policy::scanner::{MAX_DEPTH, scan};
use gateway::policy::tree::{Content, Element};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match scan(text) {
        Ok(root) => look(&root, text, 1),
        Err(problem) => {
            assert!(text.get(problem.span).is_some(), "a span cuts a character or leaves the text");
            if let Some((span, _)) = problem.also {
                assert!(text.get(span).is_some());
            }
        }
    }
});

fn look(element: &Element, text: &str, depth: usize) {
    assert!(depth <= MAX_DEPTH);
    assert_eq!(text.get(element.name_span.clone()), Some(element.name.as_str()));
    assert!(text.get(element.inner.clone()).is_some());
    for attribute in &element.attributes {
        assert_eq!(text.get(attribute.name_span.clone()), Some(attribute.name.as_str()));
    }
    let values = element.attributes.iter().map(|attribute| &attribute.value);
    for value in values.chain(element.texts()) {
        assert!(text.get(value.span.clone()).is_some());
        if let Content::Expression(mapped) = &value.content {
            let back = mapped.map.to_source(0..mapped.text.len());
            assert!(value.span.start <= back.start && back.end <= value.span.end);
        }
    }
    for child in element.elements() {
        look(child, text, depth + 1);
    }
}
