//! Generated values against an independent validator (`jsonschema`).

use std::time::Instant;

use proptest::prelude::*;
use seam::rng::Seed;
use serde_json::{Value, json};

use super::super::json::Json;
use super::*;

fn ordered(schema: &Value) -> Json {
    serde_json::from_str(&schema.to_string()).unwrap()
}

#[track_caller]
fn check(schema: &Value, seed: u64) -> Value {
    let ordered = ordered(schema);
    let text = generate(&ordered, &mut Seed(seed).stream("x")).compact();
    let again = generate(&ordered, &mut Seed(seed).stream("x")).compact();
    assert_eq!(text, again, "the same seed gives the same value");
    let value: Value = serde_json::from_str(&text).unwrap();
    let validator =
        jsonschema::options().should_validate_formats(true).build(schema).expect("a valid schema");
    if let Err(error) = validator.validate(&value) {
        panic!("{error}\nschema {schema}\nvalue {value}");
    }
    value
}

#[track_caller]
fn check_seeds(schema: &Value) {
    for seed in 0..60 {
        check(schema, seed);
    }
}

#[test]
fn objects_hold_what_they_must() {
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["city", "when"],
        "properties": {
            "city": {"type": "string"},
            "when": {"type": "string", "format": "date-time"},
            "days": {"type": "integer", "minimum": 1, "maximum": 7},
            "note": {"type": ["string", "null"], "maxLength": 10},
        },
    });
    check_seeds(&schema);
    check_seeds(
        &json!({"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 3}),
    );
    check_seeds(
        &json!({"type": "object", "required": ["free"], "maxProperties": 2, "properties": {
            "a": {}, "b": true, "c": false, "d": {"type": "null"},
        }}),
    );
    check_seeds(
        &json!({"type": "object", "patternProperties": {"^x_[a-z]+$": {"type": "boolean"}},
        "additionalProperties": false, "minProperties": 2}),
    );
    check_seeds(
        &json!({"type": "object", "properties": {"card": {"const": 1}, "zip": {"const": 2}},
        "required": ["card"], "dependentRequired": {"card": ["zip"]}}),
    );
    check_seeds(
        &json!({"type": "object", "propertyNames": {"pattern": "^[a-c]{2}$"}, "minProperties": 2}),
    );
}

#[test]
fn keys_have_the_schemas_order() {
    let schema = r#"{"type":"object","required":["zeta","alpha","mid"],"properties":{
        "zeta":{"const":1},"alpha":{"const":2},"mid":{"const":3}}}"#;
    let schema: Json = serde_json::from_str(schema).unwrap();
    let text = generate(&schema, &mut Seed(1).stream("x")).compact();
    assert_eq!(text, r#"{"zeta":1,"alpha":2,"mid":3}"#);
}

#[test]
fn fields_have_plausible_values() {
    let schema = json!({"type": "object", "required": ["city", "contactEmail", "year"], "properties": {
        "city": {"type": "string"}, "contactEmail": {"type": "string"}, "year": {"type": "integer"},
    }});
    let value = check(&schema, 3);
    assert!(value["contactEmail"].as_str().unwrap().contains('@'), "{value}");
    assert!((1990..=2026).contains(&value["year"].as_i64().unwrap()), "{value}");
    assert!(
        ["San Francisco", "Paris", "Tokyo", "Seattle", "Berlin", "London"]
            .contains(&value["city"].as_str().unwrap())
    );
}

#[test]
fn arrays_hold_what_they_must() {
    check_seeds(
        &json!({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 4}),
    );
    check_seeds(
        &json!({"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": true, "minItems": 3}),
    );
    check_seeds(
        &json!({"type": "array", "items": {"type": "boolean"}, "uniqueItems": true, "minItems": 2}),
    );
    check_seeds(&json!({"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 9},
        "uniqueItems": true, "minItems": 9}));
    check_seeds(
        &json!({"type": "array", "prefixItems": [{"type": "string"}, {"const": 2}], "items": false}),
    );
    check_seeds(
        &json!({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "null"}, "minItems": 3}),
    );
    check_seeds(
        &json!({"type": "array", "contains": {"const": "x"}, "items": {"type": "string"}, "minContains": 2}),
    );
    check_seeds(&json!({"items": {"maxItems": 0, "type": "array"}}));
}

#[test]
fn numbers_keep_their_bounds_and_steps() {
    for schema in [
        json!({"type": "integer", "minimum": 5, "maximum": 5}),
        json!({"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7}),
        json!({"type": "integer", "multipleOf": 7, "minimum": 100, "maximum": 106}),
        json!({"type": "integer", "minimum": -10.5, "maximum": -9.5}),
        json!({"type": "integer", "minimum": 9_007_199_254_740_993_i64}),
        json!({"type": "integer", "maximum": i64::MIN}),
        json!({"type": "integer", "minimum": u64::MAX}),
        json!({"type": "integer", "multipleOf": 2.5}),
        json!({"type": "number", "minimum": 0.25, "maximum": 0.26}),
        json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001}),
        json!({"type": "number", "multipleOf": 0.01}),
        json!({"type": "number", "multipleOf": 0.25, "exclusiveMinimum": 1, "exclusiveMaximum": 1.5}),
        json!({"type": "number", "minimum": -1e300, "maximum": 1e300}),
        json!({"type": "number", "minimum": 1e308}),
        json!({"type": "number", "maximum": -5}),
        json!({"allOf": [{"type": "number"}, {"type": "integer", "minimum": 3}, {"maximum": 4}]}),
        json!({"allOf": [{"multipleOf": 4}, {"multipleOf": 6}], "type": "integer"}),
        json!({"multipleOf": 3}),
    ] {
        check_seeds(&schema);
    }
    check_seeds(
        &json!({"type": "object", "required": ["year", "age", "lat", "percent"], "properties": {
            "year": {"type": "integer", "maximum": 1900}, "age": {"type": "integer", "minimum": 60},
            "lat": {"type": "number", "minimum": 0}, "percent": {"type": "number", "multipleOf": 0.5},
        }}),
    );
}

#[test]
fn texts_keep_formats_lengths_and_patterns() {
    for format in [
        "date",
        "time",
        "date-time",
        "duration",
        "email",
        "uuid",
        "uri",
        "uri-reference",
        "hostname",
        "ipv4",
        "ipv6",
        "json-pointer",
        "regex",
        "nobody-knows",
    ] {
        check_seeds(&json!({"type": "string", "format": format}));
    }
    for schema in [
        json!({"type": "string", "minLength": 40}),
        json!({"type": "string", "maxLength": 3}),
        json!({"type": "string", "minLength": 7, "maxLength": 7}),
        json!({"type": "string", "maxLength": 0}),
        json!({"type": "string", "minLength": 5_000}),
        json!({"type": "string", "pattern": "^[A-Z]{2}\\d{3}$"}),
        json!({"type": "string", "pattern": "^[a-z]+$", "minLength": 20, "maxLength": 30}),
        json!({"type": "string", "pattern": "^(foo|bar)-[0-9]*$", "maxLength": 5}),
        json!({"pattern": "^\\S+@\\S+\\.[a-z]{2,}$"}),
    ] {
        check_seeds(&schema);
    }
}

#[test]
fn alternatives_hold() {
    for schema in [
        json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        json!({"oneOf": [{"type": "integer"}, {"type": "integer", "minimum": 50}]}),
        json!({"oneOf": [{"required": ["a"]}, {"required": ["b"]}], "type": "object",
            "properties": {"a": {"const": 1}, "b": {"const": 2}}}),
        json!({"type": "object", "allOf": [
            {"properties": {"kind": {"enum": ["cat", "dog"]}}, "required": ["kind"]},
            {"if": {"properties": {"kind": {"const": "cat"}}}, "then": {"required": ["lives"]}}],
            "properties": {"lives": {"type": "integer"}}}),
        json!({"type": "string", "enum": ["a", "b"], "not": {"const": "a"}}),
        json!({"enum": ["x", 1, null, {"a": []}], "type": ["integer", "null"]}),
        json!({"type": ["string", "integer", "boolean", "array", "object", "null"]}),
        json!({"anyOf": [{"type": "object", "properties": {"t": {"const": "a"}}, "required": ["t"], "additionalProperties": false},
            {"type": "object", "properties": {"t": {"const": "b"}, "n": {"type": "integer"}}, "required": ["t", "n"], "additionalProperties": false}]}),
    ] {
        check_seeds(&schema);
    }
}

#[test]
fn references_are_followed_and_recursion_ends() {
    for schema in [
        json!({"$defs": {"Step": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": false}},
            "type": "object", "properties": {"steps": {"type": "array", "items": {"$ref": "#/$defs/Step"}}}, "required": ["steps"], "additionalProperties": false}),
        json!({"definitions": {"a/b": {"$ref": "#/definitions/c~d"}, "c~d": {"const": 7}}, "$ref": "#/definitions/a~1b"}),
        // The service's own example of recursion: a tree of elements.
        json!({"type": "object", "properties": {"label": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}}, "required": ["label", "children"], "additionalProperties": false}),
        json!({"type": "object", "properties": {"value": {"type": "number"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["value", "next"], "additionalProperties": false}),
        json!({"$ref": "#/$defs/expr", "$defs": {"expr": {"anyOf": [
            {"type": "object", "properties": {"l": {"$ref": "#/$defs/expr"}, "r": {"$ref": "#/$defs/expr"}}, "required": ["l", "r"]},
            {"type": "integer"}]}}}),
        json!({"type": "object", "properties": {"me": {"$ref": "#"}}}),
        json!({"type": "array", "items": {"$ref": "#"}}),
    ] {
        check_seeds(&schema);
    }
}

/// Schemas without a finite value, and ones that are expensive on purpose.
#[test]
fn hostile_schemas_cost_little() {
    let mut wide = serde_json::Map::new();
    for index in 0..6_000 {
        wide.insert(format!("p{index}"), json!({"$ref": "#"}));
    }
    let required: Vec<&String> = wide.keys().collect();
    let endless = json!({"type": "object", "required": required, "properties": wide});
    let mut bomb = json!({"type": "integer"});
    for level in 0..40 {
        bomb = json!({"type": "array", "minItems": 3, "items": bomb, "title": level});
    }
    let branches: Vec<Value> = (0..2_000).map(|_| json!({"$ref": "#"})).collect();
    for schema in [
        endless,
        bomb,
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}]}),
        json!({"anyOf": branches}),
        json!({"oneOf": branches, "type": "string"}),
        json!({"not": {"not": {"$ref": "#"}}}),
        json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}),
        json!({"type": "array", "minItems": 1_000_000_000, "items": {"type": "array", "minItems": 1_000_000_000, "items": {}}}),
        json!({"type": "string", "minLength": 1_000_000_000_000_u64}),
        json!({"type": "object", "minProperties": 1_000_000_000}),
        json!({"type": "array", "uniqueItems": true, "minItems": 100_000, "items": {"enum": [1, 2]}}),
        json!({"type": "string", "pattern": "^(a+)+$", "minLength": 10_000}),
        json!({"multipleOf": 1e-300, "type": "integer", "minimum": 1e300}),
        json!({"enum": []}),
        json!({"type": []}),
        json!({"type": "wat", "properties": 3, "required": "x", "items": 4, "enum": {}}),
        json!(false),
        json!(17),
    ] {
        let schema = ordered(&schema);
        #[expect(clippy::disallowed_methods, reason = "guards against hanging, generously")]
        let started = Instant::now();
        let value = generate(&schema, &mut Seed(1).stream("x")).compact();
        assert!(started.elapsed().as_secs() < 120, "{}", schema.compact().len());
        assert!(value.len() < 16 << 20);
    }
}

fn leaf() -> impl Strategy<Value = Value> {
    let bounds = (-50_i64..50, 0_i64..60, prop::option::of(1_i64..6));
    prop_oneof![
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "null"})),
        Just(json!({"type": "string"})),
        (0_usize..12, 0_usize..20, any::<bool>()).prop_map(|(least, more, bounded)| {
            let mut schema = json!({"type": "string", "minLength": least});
            if bounded {
                schema["maxLength"] = json!(least + more);
            }
            schema
        }),
        prop::sample::select(vec!["date", "time", "date-time", "duration", "email", "uuid", "uri", "hostname", "ipv4", "ipv6"])
            .prop_map(|format| json!({"type": "string", "format": format})),
        prop::sample::select(vec!["^[a-z]{3,5}$", "^\\d{4}-[A-F]$", "a|b", "^(x|y)+$"])
            .prop_map(|pattern| json!({"type": "string", "pattern": pattern})),
        (bounds, any::<bool>()).prop_map(|((least, more, step), integer)| {
            let mut schema = json!({"type": if integer { "integer" } else { "number" }, "minimum": least, "maximum": least + more});
            if let Some(step) = step.filter(|step| step - 1 <= more) {
                schema["multipleOf"] = json!(step);
            }
            schema
        }),
        prop::collection::vec(0_i32..50, 1..4).prop_map(|values| json!({"enum": values})),
        "[a-z]{1,4}".prop_map(|text| json!({"const": text})),
        Just(json!({"type": ["integer", "null"]})),
        Just(json!({"$ref": "#/$defs/Point"})),
        Just(json!({"$ref": "#/$defs/Tree"})),
    ]
}

fn schemas() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 40, 4, |inner| {
        let members = prop::collection::btree_map("[a-e_]{1,6}", inner.clone(), 0..4);
        prop_oneof![
            (members, any::<[bool; 4]>(), any::<bool>()).prop_map(|(members, required, closed)| {
                let required: Vec<&String> = members
                    .keys()
                    .enumerate()
                    .filter(|(index, _)| required[index % 4])
                    .map(|(_, name)| name)
                    .collect();
                json!({"type": "object", "required": required, "properties": members, "additionalProperties": !closed})
            }),
            (inner.clone(), 0_usize..4, 0_usize..3).prop_map(|(items, least, more)| {
                json!({"type": "array", "items": items, "minItems": least, "maxItems": least + more})
            }),
            prop::collection::vec(inner.clone(), 1..4)
                .prop_map(|tuple| json!({"type": "array", "prefixItems": tuple, "items": false})),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({"anyOf": all})),
            inner.clone().prop_map(|only| json!({"allOf": [only]})),
            (inner, "[a-e]{1,3}").prop_map(|(schema, tag)| json!({"oneOf": [
                {"type": "object", "properties": {"tag": {"const": tag}, "data": schema}, "required": ["tag", "data"], "additionalProperties": false},
                {"type": "object", "properties": {"tag": {"const": 0}}, "required": ["tag"], "additionalProperties": false},
            ]})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn values_are_valid(schema in schemas(), seed: u64) {
        let mut schema = schema;
        if let Some(object) = schema.as_object_mut() {
            object.insert("$defs".to_owned(), json!({
                "Point": {"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"}}, "required": ["x", "y"], "additionalProperties": false},
                "Tree": {"type": "object", "properties": {"name": {"type": "string"}, "kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}, "required": ["name", "kids"], "additionalProperties": false},
            }));
        }
        check(&schema, seed);
    }

    #[test]
    fn any_json_as_a_schema_is_harmless(schema in any_json(), seed: u64) {
        let schema = ordered(&schema);
        let _ = generate(&schema, &mut Seed(seed).stream("x"));
        for strictness in [Strictness::Strict, Strictness::Function, Strictness::Loose] {
            let _ = complaint(&schema, strictness);
        }
    }
}

/// JSON made of keywords, mostly nonsense.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        (-1e20..1e20).prop_map(|value: f64| json!(value)),
        prop::sample::select(vec![
            "string",
            "object",
            "array",
            "number",
            "integer",
            "#",
            "#/properties/a",
            "date",
            "a",
            "^a*$"
        ])
        .prop_map(|text| json!(text)),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        let key = prop::sample::select(vec![
            "type",
            "properties",
            "required",
            "items",
            "prefixItems",
            "anyOf",
            "oneOf",
            "allOf",
            "not",
            "if",
            "then",
            "enum",
            "const",
            "$ref",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "multipleOf",
            "minLength",
            "maxLength",
            "pattern",
            "format",
            "minItems",
            "maxItems",
            "uniqueItems",
            "contains",
            "minContains",
            "minProperties",
            "additionalProperties",
            "patternProperties",
            "propertyNames",
            "dependentRequired",
            "dependencies",
            "a",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
            prop::collection::vec((key, inner), 0..5).prop_map(|pairs| Value::Object(
                pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

#[track_caller]
fn complains(schema: Value, strictness: Strictness, expected: Option<&str>) {
    assert_eq!(complaint(&ordered(&schema), strictness).as_deref(), expected, "{schema}");
}

fn object(properties: Value, required: Value) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

#[test]
fn strict_schemas_are_complete_and_closed() {
    use Strictness::{Function, Loose, Strict};
    let inner = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    complains(object(json!({"a": {"type": "string"}}), json!(["a"])), Strict, None);
    complains(
        inner.clone(),
        Strict,
        Some("In context=(), 'additionalProperties' is required to be supplied and to be false."),
    );
    complains(
        object(json!({"etymology": inner}), json!(["etymology"])),
        Strict,
        Some(
            "In context=('properties', 'etymology'), 'additionalProperties' is required to be supplied and to be false.",
        ),
    );
    complains(
        object(
            json!({"organizations": {"type": "array", "items": object(json!({"name": {"type": "string"}, "roles": {"type": "string"}}), json!(["name"]))}}),
            json!(["organizations"]),
        ),
        Strict,
        Some(
            "In context=('properties', 'organizations', 'items'), 'required' is required to be supplied and to be an array including every key in properties. Missing 'roles'.",
        ),
    );
    complains(
        object(json!({}), json!(["memory"])),
        Strict,
        Some(
            "In context=(), 'required' is required to be supplied and to be an array including every key in properties. Extra required key 'memory' supplied.",
        ),
    );
    for (value, expected) in [
        (
            json!({"type": "string", "default": "x"}),
            "In context=('properties', 'a'), 'default' is not permitted.",
        ),
        (
            json!({"type": "string", "maxLength": 3}),
            "In context=('properties', 'a'), 'maxLength' is not permitted.",
        ),
        (
            json!({"oneOf": [{"type": "string"}]}),
            "In context=('properties', 'a'), 'oneOf' is not permitted.",
        ),
        (
            json!({"anyOf": [{"type": "null"}, {"type": "string", "format": "uri"}]}),
            "In context=('properties', 'a', 'anyOf', '1'), 'uri' is not a valid format.",
        ),
        (
            json!({"type": "array", "items": {}}),
            "In context=('properties', 'a', 'items'), schema must have a 'type' key.",
        ),
        (json!({"type": "array"}), "In context=('properties', 'a'), array schema missing items."),
        (
            json!({"$ref": "#/$defs/X", "description": "d"}),
            "context=('properties', 'a'), $ref cannot have keywords {'description'}.",
        ),
        (
            json!({"$ref": "#/$defs/X"}),
            "In context=('properties', 'a'), reference to component '#/$defs/X' which was not found in the schema.",
        ),
        (json!({"type": "strin"}), "'strin' is not valid under any of the given schemas."),
    ] {
        complains(object(json!({"a": value}), json!(["a"])), Strict, Some(expected));
    }
    complains(
        json!({"type": "array", "items": {}}),
        Loose,
        Some("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'."),
    );
    complains(
        json!({}),
        Function,
        Some("schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."),
    );
    complains(
        json!({"type": "object"}),
        Function,
        Some("In context=(), object schema missing properties."),
    );
    complains(json!({"type": "object"}), Loose, None);
    complains(
        json!({"type": "object", "properties": {"objects": {"type": "array"}}}),
        Function,
        Some("In context=('properties', 'objects'), array schema missing items."),
    );
    complains(
        json!({"type": "object", "properties": {"a": {"type": "string", "default": 1}}}),
        Function,
        None,
    );
}

#[test]
fn strict_schemas_have_a_size() {
    let mut nested = json!({"type": "string"});
    for _ in 0..11 {
        nested = object(json!({"a": nested}), json!(["a"]));
    }
    complains(nested, Strictness::Strict, Some("11 levels of nesting exceeds limit of 10."));
    let names: Vec<String> = (0..6_000).map(|index| format!("p{index}")).collect();
    let properties: serde_json::Map<String, Value> =
        names.iter().map(|name| (name.clone(), json!({"type": "null"}))).collect();
    let wide = object(Value::Object(properties), json!(names));
    complains(wide, Strictness::Strict, Some("6000 parameters exceeds limit of 5000."));
}
