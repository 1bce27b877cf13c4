//! Standard statistics: numbers in, numbers out.
