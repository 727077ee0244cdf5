//! What touches the operating system: sockets, proxies, TUN, user-space IP, files, threads, the clock.
