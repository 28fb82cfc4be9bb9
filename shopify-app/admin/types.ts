// The shapes of the API that the screens read; server/httpapi/openapi.yaml describes them.

export interface Program { program_id: string; name: string; currency: string; time_zone: string; closed_at?: string }
export interface Store {
  store_id: string; platform: string; domain: string; name: string; currency: string; accept_test_orders: boolean; go_live_at?: string; last_delivery_at?: string; connection?: string;
  connection_reason?: string; missing_scopes?: string[]; optional_scopes?: Record<string, boolean>;
}
export interface Overview {
  program: Program; stores: Store[]; distributors: number; mapped_skus: number; plans: number; orders: number; parked_orders: number; deliveries: number;
  earned: Record<string, string>; last_batch: number;
}
export interface Setup { version: string; program: boolean; store: boolean; people: boolean; mappings: boolean; plan: boolean; order: boolean; shopify: boolean }
export interface Order {
  order_id: string; store_id: string; platform: string; platform_order_id: string; name?: string; order_ts: string; status: string; settlement: 'settled' | 'parked';
  reason_code?: string; reason?: string; currency: string; net: string; earned: string; waiting?: string; waiting_currency?: string; distributor_id?: string;
  buyer_id?: string; revision: number; received_at: string; settled_at?: string;
}
export interface Rung {
  level: number; distributor_id?: string; rank?: string; rule: string; factors: { name: string; value: string }[]; exact: string; rounding: string; amount: string;
  paid: string; breakage?: string; cuts: { cap_id: string; amount: string }[]; skipped: { distributor_id: string; reason: string }[];
}
export interface Component { component_id: string; base: string; base_amount: string; rungs: Rung[] }
export interface OrderLine {
  line_id: string; platform_sku?: string; sku_id?: string; commission_class?: string; gross: string; deductions: { name: string; amount: string }[]; net: string;
  quantity_left: number; cv: string; excluded?: string; components: Component[];
}
export interface Ladder {
  order_ts: string; currency: string; counts: boolean; why?: string; seller_id?: string; evidence?: string; evidence_value?: string;
  lost: { kind: string; value: string; why: string }[]; buyer_distributor_id?: string; lines: OrderLine[]; totals: { distributor_id: string; paid: string }[];
  breakage: string; plan_hash: string; tree_version: number; catalog_version: number; engine_version: number;
}
export interface Calculation { snapshot_id: string; revision: number; at: string; calc_snapshot_json: unknown; ladder?: Ladder; fault?: string }
export interface Posting {
  event_id: string; order_id: string; component_id: string; distributor_id: string; kind: string; from: string; to: string; currency: string; amount: string;
  revision: number; order_ts: string; posted_at: string; batch_sequence: number;
}
export interface Explanation { order: Order; text: string; calculations: Calculation[]; names: Record<string, string>; postings: Posting[]; postings_next_cursor: string; pays_from?: string }
export interface Delivery {
  delivery_id: string; platform_delivery_id: string; store_id: string; platform: string; topic: string; order_id?: string; status: 'waiting' | 'done' | 'parked';
  result?: string; reason?: string; attempt: number; body_bytes: number; body_sha256: string; received_at: string; settled_at?: string;
}
export interface Distributor {
  distributor_id: string; sponsor_id?: string; status: string; rank?: string; country?: string; name?: string; email?: string; codes?: string[]; created_at: string;
}
export interface Rank { kind: string; period_id: string; rank: string; title: string; active: boolean; pv: string; gv: string }
export interface Mapping {
  sku_id: string; platform: string; platform_sku: string; name?: string; category?: string; commission_class: string; cv_per_unit?: string; cv_of_net?: string;
  qv_per_unit?: string; qv_of_net?: string; country?: string; valid_from: string; version: number;
}
export interface Unmapped { platform: string; platform_sku: string; orders: number; currency: string; waiting: string }
export interface Commission {
  commission_id: string; order_id: string; order_name?: string; store_id: string; sku: string; buyer_id: string; referrer_id: string; component_id: string; currency: string; value: string;
  status: 'PENDING' | 'AVAILABLE' | 'PAID' | 'REVERSED'; order_ts: string; updated_at: string;
}
export interface Reconciled { state: string; currency: string; delta: string; started_at: string; finished_at?: string }
export interface Changed { dry_run: boolean; added: number; changed: number; unchanged: number; released: number }
export interface Latency { of: number; p50_us: number; p95_us: number }
export interface Standing {
  stages: { name: 'received' | 'mapped' | 'commissioned' | 'posted'; count: number; oldest?: string }[]; emit: Latency; ack: Latency; duplicates: number;
  waiting: { reason_code: string; currency: string; orders: number; waiting: string }[]; releasing: number; unmapped_sku: number; plan_hash?: string; paid?: Order;
  last_seal: number; at: string;
}
export interface Step { at: string; what: 'received' | 'decided' | 'posted'; delivery_id?: string; topic?: string; result?: string; revision?: number; postings?: number }
export interface Facts {
  currency: string; country?: string; test: boolean; deleted: boolean; total?: string; paid?: string; order_discount: string;
  lines: { line_id: string; kind: string; platform_sku: string; quantity: number; unit_price: string; gross: string; discount: string; tax: string }[];
  refunds: { refund_id: string; at: string; deleted: boolean; amount: string; lines: { line_id: string; quantity: number; amount: string }[] }[];
}
export interface Preview { outcome: string; reason?: string; will_post: number; unchanged: boolean; postings: { distributor_id: string; component_id: string; kind: string; currency: string; amount: string }[] }
export interface Recheck { snapshot_id?: string; equal: boolean; fault?: string; preview: Preview }
export interface Profile { distributor: Distributor; upline: { distributor_id: string; name?: string; rank?: string; status: string }[]; frontline: number; earned: Record<string, string> }
