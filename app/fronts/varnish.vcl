vcl 4.1;

# Varnish as a cache in front of webcapd --announce cache: one screen for very many viewers.
# What each line costs and why: docs/scale.md.  Varnish 6.5 or newer, started with
#
#   varnishd -a :8000 -f /etc/varnish/webcapd.vcl -s malloc,256m -s Transient=malloc,256m
#            -p feature=+http2 -p thread_pool_max=1000 -p thread_queue_limit=20000
#            -p timeout_linger=0
#
# It has no TLS: haproxy or hitch before it has.  varnishd -C -f FILE checks this file.

backend webcapd {
    .path = "/run/webcapd/0/http.sock";
    # webcapd holds a manifest for 5 s; streams have something each 9 s at least.
    .connect_timeout = 1s;
    .first_byte_timeout = 30s;
    .between_bytes_timeout = 30s;
}

sub vcl_recv {
    if (req.method != "GET" && req.method != "HEAD") {
        return (synth(405));
    }
    if (req.restarts == 0) {
        unset req.http.X-Wanted;
        # With a token or password for each viewer (webcapd --cache-checks-access): true.
        if (false) {
            call may_look;
        }
    } else if (req.http.X-Wanted) {
        # Whoever comes here again may look.
        set req.url = req.http.X-Wanted;
        unset req.http.X-Wanted;
        unset req.http.X-Token;
    }
    # webcapd serves only host names that it knows; whoever has TLS protects.
    set req.http.Host = "localhost";
    if (req.http.X-Wanted) {
        return (hash);
    }
    if (req.url ~ "^/(manifest|tiles|page)([/?]|$)") {
        # The same for all, so that one answer serves all: Varnish would pass requests with
        # these on, and not collapse them.
        set req.url = regsub(req.url, "\?.*$", "");
        unset req.http.Cookie;
        unset req.http.Authorization;
        return (hash);
    }
    if (req.url ~ "^/(\?(embed&)?via=cache|\?embed)?$") {
        unset req.http.Cookie;
        # webcapd asks for credentials here, whoever is in front: they go along.
        return (hash);
    }
    # Streams: a response that is fetched ends after 600 s, a pipe does not; but HTTP/2 has none.
    if (req.proto == "HTTP/2.0") {
        return (pass);
    }
    return (pipe);
}

# webcapd itself says who may look: it is asked first, and then the request begins anew.
sub may_look {
    if (req.url !~ "^/page/") {
        set req.http.X-Wanted = req.url;
        set req.http.X-Token = regsub(req.url, "^(|.*[?&]token=([^&]*).*|.*)$", "\2");
        set req.url = "/displays?token=" + req.http.X-Token;
    }
}

sub vcl_hash {
    hash_data(req.url);
    if (req.http.X-Wanted) {
        hash_data("may look");
        hash_data(req.http.Authorization);
    }
    return (lookup);
}

sub vcl_pipe {
    # One request a connection: what came behind it would be piped unseen.
    set bereq.http.Connection = "close";
}

sub vcl_backend_fetch {
    unset bereq.http.X-Wanted;
    unset bereq.http.X-Token;
}

sub vcl_backend_response {
    # An old list is worth nothing, its tiles may be gone; and none is asked for after that.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (bereq.url ~ "^/displays") {
        # So long does a token or password pass that has been withdrawn.
        set beresp.ttl = 10s;
        if (beresp.status != 200) {
            set beresp.ttl = 1s;
        }
        if (beresp.status == 429) {
            # Of one client with too many wrong ones, and not of these credentials.
            set beresp.uncacheable = true;
            set beresp.ttl = 0s;
        }
        unset beresp.http.Cache-Control;
        return (deliver);
    }
    if (bereq.url !~ "^/(manifest|tiles)" && beresp.status == 200) {
        # Pages: webcapd wants to be asked each time, this one asks each 10 s.
        set beresp.ttl = 10s;
        return (deliver);
    }
    if (beresp.status >= 500 || beresp.status == 404) {
        # One answer for all who wait; without this they would all ask, one after the other.
        set beresp.ttl = 1s;
        return (deliver);
    }
}

sub vcl_backend_error {
    # The same while webcapd does not run.
    set beresp.ttl = 1s;
    set beresp.grace = 0s;
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Content-Type = "text/plain";
    set beresp.body = {"webcapd does not answer
"};
    return (deliver);
}

sub vcl_deliver {
    if (req.http.X-Wanted && resp.status == 200) {
        return (restart);
    }
    # For whoever looks into what a cache does.
    set resp.http.X-Cache-Status = "MISS";
    if (obj.hits > 0) {
        set resp.http.X-Cache-Status = "HIT";
    }
    unset resp.http.X-Varnish;
    unset resp.http.Via;
}
