//! The gNB's scheduler: state and slot inputs to a decision, pure and replayable.
