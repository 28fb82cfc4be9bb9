package httpapi

import "upline.dev/upline/server/auth"

// permissions says what each route does. A route behind authenticate that is not here is refused to everybody; a test
// walks all routes and roles.
var permissions = map[string]auth.Action{
	"POST /api/mlm/orders":     auth.PostOrders,
	"GET /api/mlm/commissions": auth.Read,

	"GET /api/v1/overview":                                        auth.Read,
	"GET /api/v1/stores":                                          auth.Read,
	"GET /api/v1/orders":                                          auth.Read,
	"GET /api/v1/orders/:store_id/:platform_order_id":             auth.Read,
	"GET /api/v1/orders/:store_id/:platform_order_id/explanation": auth.Read,
	"GET /api/v1/ledger":                                          auth.Read,
	"GET /api/v1/deliveries":                                      auth.Read,
	"GET /api/v1/deliveries/:delivery_id":                         auth.Read,
	"POST /api/v1/deliveries/:delivery_id/replay":                 auth.Replay,
	"GET /api/v1/distributors":                                    auth.Read,
	"POST /api/v1/distributors":                                   auth.WritePeople,
	"GET /api/v1/distributors/:distributor_id":                    auth.Read,
	"GET /api/v1/distributors/:distributor_id/ranks":              auth.Read,
	"GET /api/v1/periods":                                         auth.Read,
	"GET /api/v1/periods/:period_id":                              auth.Read,
	"GET /api/v1/periods/:period_id/distributors/:distributor_id": auth.Read,
	"POST /api/v1/runs":                                           auth.RunPeriods,
	"GET /api/v1/runs/:run_id":                                    auth.Read,
	"GET /api/v1/projection":                                      auth.Read,
	"GET /api/v1/reconciliation":                                  auth.Read,
	"POST /api/v1/reconciliation":                                 auth.Replay,
	"GET /api/v1/reconciliation/:run_id":                          auth.Read,
	"GET /api/v1/mappings":                                        auth.Read,
	"POST /api/v1/mappings":                                       auth.WriteCatalogue,
	"GET /api/v1/mappings/unmapped":                               auth.Read,

	"GET /api/v1/customers/bindings":  auth.Read,
	"POST /api/v1/customers/bindings": auth.WritePeople,

	"GET /api/v1/standing":                                     auth.Read,
	"GET /api/v1/distributors/:distributor_id/profile":         auth.Read,
	"GET /api/v1/orders/:store_id/:platform_order_id/steps":    auth.Read,
	"GET /api/v1/orders/:store_id/:platform_order_id/facts":    auth.Read,
	"POST /api/v1/orders/:store_id/:platform_order_id/recheck": auth.Replay,
	"GET /api/v1/deliveries/:delivery_id/body":                 auth.ReadBodies,
	"GET /api/v1/mappings/current":                             auth.Read,
	"POST /api/v1/mappings/rules":                              auth.WriteCatalogue,
	"GET /api/v1/imports":                                      auth.WritePeople,
	"POST /api/v1/imports":                                     auth.WritePeople,
	"GET /api/v1/imports/:import_id":                           auth.WritePeople,
	"PUT /api/v1/imports/:import_id/columns":                   auth.WritePeople,
	"PATCH /api/v1/imports/:import_id/rows":                    auth.WritePeople,
	"POST /api/v1/imports/:import_id/check":                    auth.WritePeople,
	"POST /api/v1/imports/:import_id/commit":                   auth.WritePeople,
	"POST /api/v1/imports/:import_id/undo":                     auth.WritePeople,
	"GET /api/v1/imports/:import_id/faults.csv":                auth.WritePeople,
	"GET /api/v1/exports/:list":                                auth.Read,
	"GET /api/v1/events":                                       auth.Read,

	"GET /api/v1/privacy/requests":                    auth.Read,
	"POST /api/v1/privacy/requests":                   auth.ManagePrivacy,
	"GET /api/v1/privacy/requests/:request_id":        auth.Read,
	"GET /api/v1/privacy/requests/:request_id/export": auth.ReadBodies,

	"GET /api/v1/session":                            auth.OwnSession,
	"PATCH /api/v1/session":                          auth.OwnAccount,
	"POST /api/v1/session/end":                       auth.OwnSession,
	"GET /api/v1/sessions":                           auth.OwnAccount,
	"DELETE /api/v1/sessions":                        auth.OwnAccount,
	"DELETE /api/v1/sessions/:session_id":            auth.OwnAccount,
	"POST /api/v1/account/password":                  auth.OwnAccount,
	"GET /api/v1/account/passkeys":                   auth.OwnAccount,
	"POST /api/v1/account/passkeys/begin":            auth.OwnAccount,
	"POST /api/v1/account/passkeys/finish":           auth.OwnAccount,
	"DELETE /api/v1/account/passkeys/:credential_id": auth.OwnAccount,
	"POST /api/v1/account/totp":                      auth.OwnAccount,
	"POST /api/v1/account/totp/confirm":              auth.OwnAccount,
	"POST /api/v1/account/totp/remove":               auth.OwnAccount,

	"GET /api/v1/members":                         auth.ManageMembers,
	"PATCH /api/v1/members/:person_id":            auth.ManageMembers,
	"DELETE /api/v1/members/:person_id":           auth.ManageMembers,
	"GET /api/v1/invitations":                     auth.ManageMembers,
	"POST /api/v1/invitations":                    auth.ManageMembers,
	"DELETE /api/v1/invitations/:invitation_id":   auth.ManageMembers,
	"GET /api/v1/api-keys":                        auth.ManageKeys,
	"POST /api/v1/api-keys":                       auth.ManageKeys,
	"DELETE /api/v1/api-keys/:key_id":             auth.ManageKeys,
	"GET /api/v1/audit":                           auth.ReadAudit,
	"GET /api/v1/settings":                        auth.Read,
	"PUT /api/v1/settings/:name":                  auth.ManageSettings,
	"POST /api/v1/connections":                    auth.ManageStores,
	"GET /api/v1/connections/:connection_id":      auth.ManageStores,
	"POST /api/v1/stores":                         auth.ManageStores,
	"PATCH /api/v1/stores/:store_id":              auth.ManageStores,
	"POST /api/v1/stores/:store_id/rotate-secret": auth.ManageStores,
}

// ActionOf says what a route, such as "GET /api/v1/orders", does; false where it is open or unknown.
func ActionOf(route string) (auth.Action, bool) {
	action, known := permissions[route]
	return action, known
}
