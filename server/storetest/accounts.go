package storetest

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/server"
	"upline.dev/upline/server/auth"
)

// accounts are the tests of who signs in, by name.
var accounts = map[string]func(*testing.T, *world){
	"people/accounts":       testAccounts,
	"people/one-time codes": testOneTimeCodes,
	"people/members":        testMembers,
	"people/invitations":    testInvitations,
	"people/passkeys":       testPasskeys,
}

func account(id string) auth.Person {
	return auth.Person{PersonID: id, Email: strings.ToLower(id) + "@example.com", Name: id, PasswordHash: "h", CreatedAt: begin}
}

// testAccounts: an account is there once, and the first one alone.
func testAccounts(t *testing.T, w *world) {
	var made atomic.Int32
	var all sync.WaitGroup
	for _, id := range []string{"a", "b", "c", "d"} {
		all.Go(func() {
			if err := w.Store.CreatePerson(w.ctx, account(id), true); err == nil {
				made.Add(1)
			} else if server.CodeOf(err) != server.Conflict {
				t.Errorf("a first owner: %v", err)
			}
		})
	}
	all.Wait()
	if n, err := w.Store.Accounts(w.ctx); err != nil || n != 1 || made.Load() != 1 {
		t.Fatalf("%d people, %d of %v made", n, made.Load(), err)
	}
	p := account("x")
	ok(t, w.Store.CreatePerson(w.ctx, p, false))
	twin := account("y")
	twin.Email = p.Email
	wantCode(t, w.Store.CreatePerson(w.ctx, twin, false), server.Conflict)
	p.Name, p.PasswordHash, p.SealedTOTP = "X", "h2", []byte("sealed")
	ok(t, w.Store.UpdatePerson(w.ctx, p))
	for _, find := range []func() (auth.Person, error){
		func() (auth.Person, error) { return w.Store.PersonByID(w.ctx, "x") },
		func() (auth.Person, error) { return w.Store.PersonByEmail(w.ctx, p.Email) },
	} {
		got, err := find()
		ok(t, err)
		if diff := cmp.Diff(p, got); diff != "" {
			t.Fatal(diff)
		}
	}
	_, err := w.Store.PersonByEmail(w.ctx, "nobody")
	wantCode(t, err, server.NotFound)
	ok(t, w.Store.LinkIdentity(w.ctx, "https://id", "s", "x"))
	ok(t, w.Store.LinkIdentity(w.ctx, "https://id", "s", "y")) // the first one stays
	got, err := w.Store.PersonByIdentity(w.ctx, "https://id", "s")
	if ok(t, err); got.PersonID != "x" {
		t.Errorf("by identity: %+v", got)
	}
}

// once runs f many times at once and wants it to succeed for one.
func once(t *testing.T, f func() bool) {
	t.Helper()
	var won atomic.Int32
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			if f() {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d got what is for one", won.Load())
	}
}

// testOneTimeCodes: whatever may be used once is used once, however many try.
func testOneTimeCodes(t *testing.T, w *world) {
	ok(t, w.Store.CreatePerson(w.ctx, account("x"), false))
	now := time.Now()
	hash := auth.HashToken("one")
	ok(t, w.Store.PutCode(w.ctx, auth.Code{Hash: hash, Purpose: "reset", Data: "x", ExpiresAt: now.Add(time.Hour)}))
	_, err := w.Store.TakeCode(w.ctx, "setup", hash, now)
	wantCode(t, err, server.NotFound)
	_, err = w.Store.TakeCode(w.ctx, "reset", hash, now.Add(2*time.Hour))
	wantCode(t, err, server.NotFound)
	once(t, func() bool {
		c, err := w.Store.TakeCode(w.ctx, "reset", hash, now)
		return err == nil && c.Data == "x"
	})
	ok(t, w.Store.PutRecoveryCodes(w.ctx, "x", [][32]byte{auth.HashToken("r1"), auth.HashToken("r2")}))
	once(t, func() bool {
		taken, err := w.Store.TakeRecoveryCode(w.ctx, "x", auth.HashToken("r1"))
		return err == nil && taken
	})
	ok(t, w.Store.PutRecoveryCodes(w.ctx, "x", nil))
	if taken, err := w.Store.TakeRecoveryCode(w.ctx, "x", auth.HashToken("r2")); err != nil || taken {
		t.Errorf("a code that was replaced: %t, %v", taken, err)
	}
	once(t, func() bool {
		fresh, err := w.Store.UseTOTPStep(w.ctx, "x", 100)
		return err == nil && fresh
	})
	if fresh, err := w.Store.UseTOTPStep(w.ctx, "x", 99); err != nil || fresh {
		t.Errorf("an older step: %t, %v", fresh, err)
	}
}

// testMembers: a program keeps an owner, and a session is worth what its person is now.
func testMembers(t *testing.T, w *world) {
	for _, id := range []string{"x", "y"} {
		ok(t, w.Store.CreatePerson(w.ctx, account(id), false))
	}
	ok(t, w.Store.PutMember(w.ctx, program, "x", auth.Owner))
	ok(t, w.Store.PutMember(w.ctx, program, "y", auth.Viewer))
	ok(t, w.Store.PutMember(w.ctx, rival, "y", auth.Owner))
	wantCode(t, w.Store.PutMember(w.ctx, program, "x", auth.Admin), server.Conflict)
	wantCode(t, w.Store.RemoveMember(w.ctx, program, "x"), server.Conflict)
	s := auth.Session{
		SessionID: "s1", Hash: auth.HashToken("s1"), ProgramID: program, PersonID: "y", Name: "y", Actor: "person:y",
		CreatedAt: time.Now(), SeenAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), Client: "c", Address: "a",
	}
	ok(t, w.Store.CreateSession(w.ctx, s))
	role := func(now time.Time) auth.Role {
		got, err := w.Store.SessionByHash(w.ctx, s.Hash, now)
		if server.CodeOf(err) == server.NotFound {
			return ""
		}
		ok(t, err)
		return got.Role
	}
	if got := role(time.Now()); got != auth.Viewer {
		t.Errorf("role %q", got)
	}
	if got := role(time.Now().Add(2 * time.Hour)); got != "" {
		t.Errorf("a session that is too old counts as %q", got)
	}
	ok(t, w.Store.PutMember(w.ctx, program, "y", auth.Finance))
	if got := role(time.Now()); got != auth.Finance {
		t.Errorf("after the role changed: %q", got)
	}
	ok(t, w.Store.MoveSession(w.ctx, "s1", rival))
	if got := role(time.Now()); got != auth.Owner {
		t.Errorf("in the other program: %q", got)
	}
	programs, err := w.Store.ProgramsOf(w.ctx, "y")
	if ok(t, err); len(programs) != 2 {
		t.Errorf("programs %+v", programs)
	}
	members, err := w.Store.Members(w.ctx, program)
	if ok(t, err); len(members) != 2 || members[0].PersonID != "x" || members[1].Role != auth.Finance {
		t.Errorf("members %+v", members)
	}
	ok(t, w.Store.MoveSession(w.ctx, "s1", program))
	ok(t, w.Store.RemoveMember(w.ctx, program, "y"))
	if got := role(time.Now()); got != "" {
		t.Errorf("somebody who was removed is still a %q", got)
	}
	link := auth.Session{
		SessionID: "s2", Hash: auth.HashToken("s2"), ProgramID: program, Role: auth.Admin, Actor: "store:" + shop, Name: "Wim", StoreID: shop,
		CreatedAt: time.Now(), SeenAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}
	ok(t, w.Store.CreateSession(w.ctx, link))
	got, err := w.Store.SessionByHash(w.ctx, link.Hash, time.Now())
	if ok(t, err); got.Role != auth.Admin || got.StoreID != shop || got.Name != "Wim" || got.Actor != link.Actor {
		t.Errorf("a session by link: %+v", got)
	}
	ok(t, w.Store.EndSession(w.ctx, "s2"))
	_, err = w.Store.SessionByHash(w.ctx, link.Hash, time.Now())
	wantCode(t, err, server.NotFound)
}

// testInvitations: the last one of an address counts, once, and nobody loses a role by it.
func testInvitations(t *testing.T, w *world) {
	now := time.Now()
	for _, id := range []string{"x", "y"} {
		ok(t, w.Store.CreatePerson(w.ctx, account(id), false))
	}
	ok(t, w.Store.PutMember(w.ctx, program, "x", auth.Owner))
	invite := func(code string, role auth.Role) {
		t.Helper()
		ok(t, w.Store.PutInvitation(w.ctx, auth.Invitation{
			InvitationID: code, ProgramID: program, Email: "y@example.com", Role: role, Hash: auth.HashToken(code),
			InvitedBy: "person:x", CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		}))
	}
	invite("first", auth.Admin)
	invite("second", auth.Viewer)
	_, err := w.Store.InvitationByHash(w.ctx, auth.HashToken("first"), now)
	wantCode(t, err, server.NotFound)
	i, err := w.Store.InvitationByHash(w.ctx, auth.HashToken("second"), now)
	if ok(t, err); i.Role != auth.Viewer || i.Program == "" {
		t.Errorf("%+v", i)
	}
	_, err = w.Store.InvitationByHash(w.ctx, auth.HashToken("second"), now.Add(2*time.Hour))
	wantCode(t, err, server.NotFound)
	once(t, func() bool {
		_, err := w.Store.TakeInvitation(w.ctx, auth.HashToken("second"), "y", now)
		return err == nil
	})
	invite("third", auth.Viewer)
	_, err = w.Store.TakeInvitation(w.ctx, auth.HashToken("third"), "x", now)
	ok(t, err)
	members, err := w.Store.Members(w.ctx, program)
	if ok(t, err); len(members) != 2 || members[0].Role != auth.Owner || members[1].Role != auth.Viewer {
		t.Errorf("members %+v", members)
	}
	invite("fourth", auth.Viewer)
	wantCode(t, w.Store.RevokeInvitation(w.ctx, rival, "fourth"), server.NotFound)
	ok(t, w.Store.RevokeInvitation(w.ctx, program, "fourth"))
	list, err := w.Store.Invitations(w.ctx, program, now)
	if ok(t, err); len(list) != 0 {
		t.Errorf("invitations %+v", list)
	}
}

// testPasskeys: a credential is one person's.
func testPasskeys(t *testing.T, w *world) {
	k := auth.Passkey{CredentialID: []byte{1, 2}, PersonID: "x", Name: "phone", Credential: []byte(`{"a":1}`), CreatedAt: begin}
	ok(t, w.Store.PutPasskey(w.ctx, k))
	wantCode(t, w.Store.PutPasskey(w.ctx, k), server.Conflict)
	k.Credential, k.LastUsedAt = []byte(`{"a":2}`), begin.Add(time.Hour)
	ok(t, w.Store.UsePasskey(w.ctx, k))
	got, err := w.Store.PasskeyByID(w.ctx, k.CredentialID)
	ok(t, err)
	if diff := cmp.Diff(k, got); diff != "" {
		t.Error(diff)
	}
	wantCode(t, w.Store.RemovePasskey(w.ctx, "y", k.CredentialID), server.NotFound)
	ok(t, w.Store.RemovePasskey(w.ctx, "x", k.CredentialID))
	list, err := w.Store.PasskeysOf(w.ctx, "x")
	if ok(t, err); len(list) != 0 {
		t.Errorf("passkeys %+v", list)
	}
}
