package query

import (
	"context"
	"encoding/json"
	"time"
)

// APIKey is one key that was made, without its text.
type APIKey struct {
	KeyID     string     `json:"key_id"`
	Name      string     `json:"name"`
	Role      string     `json:"role"`
	StoreID   string     `json:"store_id,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// Audited is one line of the audit log.
type Audited struct {
	AuditID string    `json:"audit_id"`
	At      time.Time `json:"at"`
	Actor   string    `json:"actor"`
	Action  string    `json:"action"`
	Subject string    `json:"subject"`
	Detail  string    `json:"detail,omitempty"`
}

// AuditFilter narrows the audit log; zero values do not filter.
type AuditFilter struct {
	Actor   string
	Action  string // the action, or its beginning before a dot: "api_key" finds "api_key.create"
	Subject string
	From    time.Time // included
	To      time.Time // not included
}

// Setting is one thing a program's screens keep. Version rises with each write.
type Setting struct {
	Name      string          `json:"name"`
	Value     json.RawMessage `json:"value"`
	Version   int64           `json:"version"`
	UpdatedAt time.Time       `json:"updated_at"`
	UpdatedBy string          `json:"updated_by"`
}

// Screens is what the merchant's screens read beside Reader. Every method is scoped to one program.
type Screens interface {
	APIKeys(ctx context.Context, program string) ([]APIKey, error)
	AuditLog(ctx context.Context, program string, f AuditFilter, p Page) ([]Audited, string, error)
	Settings(ctx context.Context, program string) ([]Setting, error)
}
