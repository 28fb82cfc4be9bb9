package dedupe_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"upline.dev/upline/server"
	"upline.dev/upline/server/dedupe"
)

func redisAddress(t *testing.T) string {
	t.Helper()
	address := os.Getenv("UPLINE_TEST_REDIS")
	if address == "" && os.Getenv("UPLINE_REQUIRE_SERVERS") == "1" {
		t.Fatal("UPLINE_TEST_REDIS is not set")
	}
	if address == "" {
		t.Skip("UPLINE_TEST_REDIS is not set")
	}
	return address
}

func open(t *testing.T, address string, o dedupe.Options) dedupe.Cache {
	t.Helper()
	if o.Timeout == 0 {
		o.Timeout = 2 * time.Second // What is tested is what it remembers, on a busy machine.
	}
	c, err := dedupe.Open(address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// own is a name that no other test uses.
func own(name string) string {
	return fmt.Sprintf("%s %d %d", name, time.Now().UnixNano(), rand.Uint32())
}

// TestConformance holds every cache to what callers rely on; those that remember, also to remembering.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]func(t *testing.T) string{
		"none": nil, "memory": func(*testing.T) string { return "" }, "redis": redisAddress,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var c, other dedupe.Cache = dedupe.None{}, dedupe.None{}
			if address != nil {
				c = open(t, address(t), dedupe.Options{})
				other = c
			}
			if name == "redis" {
				other = open(t, address(t), dedupe.Options{}) // Another process.
			}
			remembers := address != nil
			t.Run("marks", func(t *testing.T) { t.Parallel(); marks(t, c, other, remembers) })
			t.Run("counts", func(t *testing.T) { t.Parallel(); counts(t, c, other, remembers) })
			t.Run("locks", func(t *testing.T) { t.Parallel(); locks(t, c, other, remembers) })
			t.Run("a caller that has gone", func(t *testing.T) { t.Parallel(); gone(t, c) })
		})
	}
}

func marks(t *testing.T, c, other dedupe.Cache, remembers bool) {
	t.Helper()
	ctx, a, b := t.Context(), own("a"), own("b")
	if c.Seen(ctx, a) {
		t.Error("it has seen what nobody marked")
	}
	c.Mark(ctx, a, b)
	for _, key := range []string{a, b} {
		if other.Seen(ctx, key) != remembers {
			t.Errorf("seen %q: %v, want %v", key, !remembers, remembers)
		}
	}
	if c.Seen(ctx, a+"b") {
		t.Error("it takes one key for another")
	}
}

func counts(t *testing.T, c, other dedupe.Cache, remembers bool) {
	t.Helper()
	ctx, key := t.Context(), own("who")
	var allowed atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if []dedupe.Cache{c, other}[i%2].Take(ctx, key, 5, time.Minute) {
				allowed.Add(1)
			}
		})
	}
	all.Wait()
	want := int64(20)
	if remembers {
		want = 5
	}
	if allowed.Load() != want {
		t.Errorf("%d were allowed, want %d", allowed.Load(), want)
	}
	c.Forget(ctx, key)
	if !other.Take(ctx, key, 1, time.Minute) {
		t.Error("a count that was dropped still counts")
	}
	if other.Take(ctx, key, 1, time.Minute) == remembers {
		t.Error("the limit")
	}
	short := own("short")
	other.Take(ctx, short, 1, 50*time.Millisecond)
	time.Sleep(80 * time.Millisecond)
	if !c.Take(ctx, short, 1, time.Minute) {
		t.Error("a window does not end")
	}
}

func locks(t *testing.T, c, other dedupe.Cache, remembers bool) {
	t.Helper()
	ctx, name := t.Context(), own("work")
	unlock, alone := c.Lock(ctx, name, time.Minute)
	if !alone {
		t.Fatal("nobody else is at it")
	}
	if _, second := other.Lock(ctx, name, time.Minute); second == remembers {
		t.Errorf("a second one is alone: %v", second)
	}
	unlock()
	if _, again := other.Lock(ctx, name, 50*time.Millisecond); !again {
		t.Error("a lock that was given up is still held")
	}
	time.Sleep(80 * time.Millisecond)
	mine, alone := c.Lock(ctx, name, time.Minute)
	if !alone {
		t.Error("a lock does not end")
	}
	unlock() // The first one's, long over: it must not give up this one.
	if _, third := other.Lock(ctx, name, time.Minute); third == remembers {
		t.Error("one gave up another one's lock")
	}
	mine()
}

func gone(t *testing.T, c dedupe.Cache) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	key := own("gone")
	_ = c.Seen(ctx, key)
	c.Mark(ctx, key)
	_, _ = c.Lock(ctx, key, time.Second)
	c.Mark(t.Context(), key) // It still answers others.
}

// TestMemoryIsBounded: what is oldest is forgotten, and so is what has been kept long enough.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_790_000_000, 0)
	c := open(t, "", dedupe.Options{Size: 100, Clock: func() time.Time { return now }})
	for i := range 1000 {
		c.Mark(t.Context(), fmt.Sprint(i))
	}
	kept := 0
	for i := range 1000 {
		if c.Seen(t.Context(), fmt.Sprint(i)) {
			kept++
		}
	}
	if kept < 50 || kept > 100 || !c.Seen(t.Context(), "999") {
		t.Errorf("%d of 1,000 keys are kept, want 50 to 100", kept)
	}
	now = now.Add(49 * time.Hour)
	if c.Seen(t.Context(), "999") {
		t.Error("a key is kept for ever")
	}
}

// TestRedisIsAway: a Redis that refuses connections, answers too late, or answers nonsense costs one short wait, knows nothing meanwhile,
// is asked again after a pause, and remembers again once it is back.
func TestRedisIsAway(t *testing.T) {
	t.Parallel()
	address := redisAddress(t)
	for name, bad := range map[string]mode{"off": refuse, "slow": stall, "nonsense": babble} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door := newDoor(t, address)
			var away, back atomic.Int64
			c := open(t, door.address, dedupe.Options{Timeout: 2 * time.Second, Pause: 300 * time.Millisecond, Failed: func(err error) {
				if err != nil {
					away.Add(1)
				} else {
					back.Add(1)
				}
			}})
			key := own("key")
			c.Mark(t.Context(), key)
			if !c.Seen(t.Context(), key) {
				t.Fatal("it does not remember")
			}
			door.set(bad)
			begin := time.Now()
			for range 1000 {
				if c.Seen(t.Context(), key) {
					t.Fatal("it knows although Redis is away")
				}
			}
			if took := time.Since(begin); took > time.Minute { // and not a thousand times its patience
				t.Errorf("a thousand questions took %v", took)
			}
			if !c.Take(t.Context(), key, 0, time.Minute) {
				t.Error("it refuses although it does not know")
			}
			if _, alone := c.Lock(t.Context(), key, time.Minute); !alone {
				t.Error("it keeps somebody out although it does not know")
			}
			c.Forget(t.Context(), key)
			door.set(pass)
			for end := time.Now().Add(30 * time.Second); !c.Seen(t.Context(), key); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("it does not come back")
				}
			}
			if away.Load() != 1 || back.Load() != 1 {
				t.Errorf("told %d times that it is away and %d times that it is back", away.Load(), back.Load())
			}
		})
	}
}

// TestRedisIsFlushed: it has forgotten everything, and begins anew.
func TestRedisIsFlushed(t *testing.T) {
	t.Parallel()
	address := strings.TrimSuffix(redisAddress(t), "/0") + "/13" // A database of its own, as all of it goes.
	c, key := open(t, address, dedupe.Options{}), own("key")
	c.Mark(t.Context(), key)
	unlock, _ := c.Lock(t.Context(), key, time.Minute)
	options, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	defer func() { _ = client.Close() }()
	if err := client.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if c.Seen(t.Context(), key) {
		t.Error("it knows what was flushed")
	}
	if _, alone := c.Lock(t.Context(), key, time.Minute); !alone {
		t.Error("a flushed lock is held")
	}
	unlock()
	c.Mark(t.Context(), key)
	if !c.Seen(t.Context(), key) {
		t.Error("it does not begin anew")
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://x", "redis://user:hidden@host:port/0", "127.0.0.1:6379", "redis://host/x"} {
		_, err := dedupe.Open(address, dedupe.Options{})
		if server.CodeOf(err) != server.Invalid || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// mode is what a door does with connections.
type mode int32

const (
	pass mode = iota
	refuse
	stall
	babble
)

// door stands before a Redis.
type door struct {
	address string
	mode    atomic.Int32
	mu      sync.Mutex
	open    []net.Conn
}

func newDoor(t *testing.T, address string) *door {
	t.Helper()
	options, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{address: "redis://" + l.Addr().String() + "/0"}
	t.Cleanup(func() { _ = l.Close(); d.cut() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go d.serve(conn, options.Addr)
		}
	}()
	return d
}

func (d *door) set(m mode) {
	d.mode.Store(int32(m))
	d.cut() // Those that are open would still pass.
}

func (d *door) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, conn := range d.open {
		_ = conn.Close()
	}
	d.open = nil
}

func (d *door) serve(conn net.Conn, to string) {
	d.mu.Lock()
	d.open = append(d.open, conn)
	d.mu.Unlock()
	switch mode(d.mode.Load()) {
	case refuse:
		_ = conn.Close()
	case stall: // It reads and never answers.
		_, _ = io.Copy(io.Discard, conn)
	case babble:
		_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	case pass:
		redis, err := net.Dial("tcp", to)
		if err != nil {
			_ = conn.Close()
			return
		}
		d.mu.Lock()
		d.open = append(d.open, redis)
		d.mu.Unlock()
		go func() { _, _ = io.Copy(redis, conn); _ = redis.Close() }()
		_, _ = io.Copy(conn, redis)
		_ = conn.Close()
	}
}
