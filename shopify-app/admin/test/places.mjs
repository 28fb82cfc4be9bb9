// Every screen: its name here, where it is, its title, and what stands on it in the demo company.
import { api } from "./kit.mjs";

export const order = async () => `/orders/${(await api("/api/v1/orders?search=%231001")).data[0].order_id}`;
const parked = async () => `/orders/${(await api("/api/v1/orders?settlement=parked&limit=1")).data[0].order_id}`;
const delivery = async () => `/deliveries/${(await api("/api/v1/deliveries?limit=1")).data[0].delivery_id}`;

export const screens = [
  ["overview", () => "/", "Overview", "From store to ledger"],
  ["orders", () => "/orders", "Orders", "Commissioned"],
  ["orders-parked", () => "/orders?settlement=parked", "Orders", "Parked"],
  ["order", order, "Order #1001", "Passed over"],
  ["order-parked", parked, "Order", "settles by itself"],
  ["distributors", () => "/distributors", "Distributors", "OSKAR1001"],
  ["distributor", () => "/distributors/L1002", "Tom Reyes", "Ranks and volumes"],
  ["products", () => "/products", "Products", "SKIN-13"],
  ["rules", () => "/products/rules", "Mapping rules", "The first rule that fits"],
  ["commissions", () => "/commissions", "Commissions", "On hold"],
  ["ledger", () => "/commissions?show=ledger", "Ledger", "Commission expense → On hold"],
  ["deliveries", () => "/deliveries", "Deliveries", "orders/paid"],
  ["delivery", delivery, "order", "SHA-256"],
  ["stores", () => "/stores", "Stores", "Lumina Japan"],
  ["plans", () => "/plans", "Plans", "Counts now"],
  ["webhooks", () => "/settings/webhooks", "Webhooks", "No endpoint yet"],
  ["settings", () => "/settings", "Settings", "Lumina Naturals"],
  ["audit", () => "/audit", "Audit log", "program.create"],
  ["not-found", () => "/stores/gone", "Nothing here", "leads nowhere"],
];
