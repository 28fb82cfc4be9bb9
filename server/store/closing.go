package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"upline.dev/upline/server"
	"upline.dev/upline/server/admin"
)

// refuseClosed stops what would change a closed company.
func refuseClosed(closedAt int64) error {
	if closedAt == 0 {
		return nil
	}
	return server.Errorf(server.Conflict, "The company was closed on %s: its books can be read and taken away, and nothing of it changes any more.",
		instant(closedAt).UTC().Format(time.DateOnly))
}

// ClosedAt says when a program was closed. See admin.Books.
func (s *Store) ClosedAt(ctx context.Context, program string) (at int64, err error) {
	defer server.Wrap(&err, "read whether program %s is closed", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		return found(tx.GetContext(ctx, &at, `SELECT closed_at FROM programs WHERE program_id = $1`, program), "There is no program %s.", program)
	})
	return at, err
}

// Closing counts what closing a program takes away. See admin.Books.
func (s *Store) Closing(ctx context.Context, program string) (c admin.Closing, err error) {
	defer server.Wrap(&err, "count what closing program %s takes away", program)
	err = s.read(ctx, program, func(tx *sqlx.Tx) error {
		c = admin.Closing{Owed: map[string]int64{}}
		if err := tx.GetContext(ctx, &c.ClosedAt, `SELECT closed_at FROM programs WHERE program_id = $1`, program); err != nil {
			return found(err, "There is no program %s.", program)
		}
		err := tx.GetContext(ctx, &c.Goes, `SELECT
			(SELECT count(*) FROM stores WHERE program_id = $1) AS stores,
			(SELECT count(*) FROM api_keys WHERE program_id = $1 AND revoked_at = 0) AS api_keys,
			(SELECT count(*) FROM memberships WHERE program_id = $1 AND role <> 'owner') AS members,
			(SELECT count(*) FROM invitations WHERE program_id = $1) AS invitations,
			(SELECT count(*) FROM webhook_endpoints WHERE program_id = $1) AS webhooks,
			(SELECT count(*) FROM distributors d WHERE d.program_id = $1 AND (d.tax_id IS NOT NULL OR EXISTS (
				SELECT 1 FROM distributor_profiles p WHERE p.program_id = $1 AND p.distributor_id = d.distributor_id))) AS people,
			(SELECT count(*) FROM customer_bindings WHERE program_id = $1) + (SELECT count(*) FROM stated_bindings WHERE program_id = $1) AS bindings,
			`+s.countBodies()+` AS raw_bodies,
			(SELECT count(*) FROM imports WHERE program_id = $1) AS import_files`, program)
		if err != nil {
			return err
		}
		err = tx.GetContext(ctx, &c.Stays, `SELECT
			(SELECT count(*) FROM orders WHERE program_id = $1) AS orders,
			(SELECT count(*) FROM postings WHERE program_id = $1) AS postings,
			(SELECT count(*) FROM seals WHERE program_id = $1) AS sealed_batches,
			(SELECT count(*) FROM distributors WHERE program_id = $1) AS distributors,
			(SELECT count(*) FROM plan_versions WHERE program_id = $1) AS plans`, program)
		if err != nil {
			return err
		}
		return owed(ctx, tx, program, c.Owed)
	})
	return c, err
}

// owed sums what stands on the accounts of distributors that wait or can be paid, without those that are even.
func owed(ctx context.Context, tx *sqlx.Tx, program string, into map[string]int64) error {
	const waits = ` LIKE 'distributor:%:pending' OR `
	const payable = ` LIKE 'distributor:%:available'`
	return eachRow(ctx, tx, func(scan func(...any) error) error {
		var currency string
		var minor int64
		err := scan(&currency, &minor)
		if minor != 0 {
			into[currency] = minor
		}
		return err
	}, `SELECT currency, CAST(sum(CASE WHEN to_account`+waits+`to_account`+payable+` THEN amount_minor ELSE 0 END
		- CASE WHEN from_account`+waits+`from_account`+payable+` THEN amount_minor ELSE 0 END) AS bigint)
		FROM postings WHERE program_id = $1 GROUP BY currency`, program)
}

// CloseProgram closes a program. See admin.Books.
func (s *Store) CloseProgram(ctx context.Context, program string, at time.Time) (closedAt int64, err error) {
	defer server.Wrap(&err, "close program %s", program)
	err = s.write(ctx, program, func(ctx context.Context, tx *sqlx.Tx) error {
		err := tx.GetContext(ctx, &closedAt, `SELECT closed_at FROM programs WHERE program_id = $1`+s.dialect.forUpdate(), program)
		if err != nil {
			return found(err, "There is no program %s.", program)
		}
		if closedAt == 0 {
			closedAt = micros(at)
		}
		for _, step := range closingSteps {
			if _, err := tx.ExecContext(ctx, step.statement, append([]any{program}, step.args(closedAt)...)...); err != nil {
				return fmt.Errorf("%s: %w", step.what, err)
			}
		}
		return nil
	})
	return closedAt, err
}

type closingStep struct {
	what, statement string
	timed           bool // $2 is when
}

func (c *closingStep) args(closedAt int64) []any {
	if c.timed {
		return []any{closedAt}
	}
	return nil
}

// closingSteps end who gets in, and forget who the ids were. Owners stay: somebody has to answer for the books.
var closingSteps = []closingStep{
	{"mark it closed", `UPDATE programs SET closed_at = $2 WHERE program_id = $1`, true},
	{"revoke the API keys", `UPDATE api_keys SET revoked_at = $2 WHERE program_id = $1 AND revoked_at = 0`, true},
	{"end the sessions", `DELETE FROM sessions WHERE program_id = $1 AND person_id NOT IN (
		SELECT person_id FROM memberships WHERE program_id = $1 AND role = 'owner')`, false},
	{"end the memberships", `DELETE FROM memberships WHERE program_id = $1 AND role <> 'owner'`, false},
	{"withdraw the invitations", `DELETE FROM invitations WHERE program_id = $1`, false},
	{"remove what webhooks tried", `DELETE FROM webhook_attempts WHERE program_id = $1`, false},
	{"remove what webhooks tell", `DELETE FROM webhook_messages WHERE program_id = $1`, false},
	{"remove the webhooks", `DELETE FROM webhook_endpoints WHERE program_id = $1`, false},
	{"remove the mapping rules", `DELETE FROM mapping_rules WHERE program_id = $1`, false},
	{"forget saved views", `DELETE FROM saved_views WHERE program_id = $1`, false}, // somebody may have searched for a name
	{"forget names", `DELETE FROM distributor_profiles WHERE program_id = $1`, false},
	{"forget tax ids", `UPDATE distributors SET tax_id = NULL WHERE program_id = $1 AND tax_id IS NOT NULL`, false},
	{"forget uploaded lists", `DELETE FROM imports WHERE program_id = $1`, false}, // their faults quote what was uploaded
}
