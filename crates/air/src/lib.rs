//! The radio channel: fading, delay, offsets, path loss, noise, sums of transmitters.
