// The contract of the screens. A screen imports from '#ui' and gets one of two backends, chosen when it is built: our own
// elements (ui.own.tsx), or Shopify's (ui.polaris.tsx). Screens write no s-* tag and no CSS class.

import type { ComponentChildren as C, VNode } from 'preact';

export type Tone = 'neutral' | 'success' | 'warning' | 'critical' | 'info';

/** A button, or a link that looks like one. */
export interface Act {
  label: string;
  onClick?(): void;
  href?: string;
  /** The file's name, where the link is a file. */
  download?: string;
  primary?: boolean;
  danger?: boolean;
  disabled?: boolean;
  busy?: boolean;
  submit?: boolean;
  /** An arrow is drawn instead of the words, which are still its name. */
  arrow?: 'up' | 'down';
}

export interface NavItem {
  href: string;
  label: string;
  /** How many things there need somebody. */
  waiting?: number;
}

/** On a phone a row is a card: the primary column is its title, secondary stands below, inline beside the title. */
export interface Col {
  title: string;
  numeric?: boolean;
  slot?: 'primary' | 'secondary' | 'inline' | 'kicker' | 'labeled';
  /** It holds buttons, which stay on one line. */
  acts?: boolean;
}

export interface Row {
  id: string;
  /** Where the whole row leads; the primary cell is then a link. */
  href?: string;
  cells: C[];
}

/** Rows by place, so that of a long list only those are made that are drawn; an array is one too. */
export interface Rows { readonly length: number; at(place: number): Row | undefined }

export interface TableProps {
  caption: string;
  head: Col[];
  rows: Rows;
  /** Asks for the next rows; without it these are all. */
  onMore?(): void;
  loading?: boolean;
  /** Ids that are chosen; without onChoose nothing can be. */
  chosen?: ReadonlySet<string>;
  onChoose?(chosen: ReadonlySet<string>): void;
}

export interface FieldProps {
  label: string;
  value: string;
  onInput(value: string): void;
  type?: 'text' | 'search' | 'password' | 'email' | 'date';
  help?: string;
  error?: string;
  placeholder?: string;
  autocomplete?: string;
  required?: boolean;
  disabled?: boolean;
  hideLabel?: boolean;
  maxLength?: number;
}

export interface UI {
  /** logo is a small picture inside its address; inside Shopify's admin it is not shown. */
  Shell(p: { company: string; logo?: string; nav: NavItem[]; at: string; tools?: C; children?: C }): VNode;
  /** lead is a line under the title; null: it is not known yet, and its room is kept, so that nothing jumps when it comes. */
  Page(p: { title: string; back?: { label: string; href: string }; badge?: readonly [string, Tone]; lead?: C | null; actions?: Act[]; aside?: C; children?: C }): VNode;
  Section(p: { title?: string; note?: C; actions?: Act[]; flush?: boolean; children?: C }): VNode;
  Cards(p: { children?: C }): VNode;
  Metric(p: { label: string; value: C; note?: C; href?: string; tone?: Tone }): VNode;
  Facts(p: { rows: (readonly [string, C])[] }): VNode;
  Table(p: TableProps): VNode;
  Banner(p: { tone: Tone; title: string; actions?: Act[]; children?: C }): VNode;
  Badge(p: { tone: Tone; children?: C }): VNode;
  Button(p: Act): VNode;
  /** Things side by side that wrap. */
  Line(p: { children?: C; spread?: boolean; key?: string }): VNode;
  /** Things below each other. */
  Stack(p: { children?: C; tight?: boolean }): VNode;
  Text(p: { muted?: boolean; strong?: boolean; children?: C }): VNode;
  Link(p: { href: string; label?: string; children?: C }): VNode;
  Form(p: { onSubmit(): void; children?: C }): VNode;
  Field(p: FieldProps): VNode;
  Area(p: Omit<FieldProps, 'type'> & { rows?: number }): VNode;
  Choice(p: { label: string; value: string; options: (readonly [value: string, label: string])[]; onInput(value: string): void; hideLabel?: boolean; error?: string; help?: string }): VNode;
  Check(p: { label: string; checked: boolean; onInput(checked: boolean): void; help?: string }): VNode;
  File(p: { label: string; accept: string; onFile(file: File): void; help?: string }): VNode;
  /** A few views of one list, one of which is chosen. */
  Views(p: { label: string; value: string; options: (readonly [value: string, label: string])[]; onInput(value: string): void }): VNode;
  SaveBar(p: { dirty: boolean; busy?: boolean; onSave(): void; onDiscard(): void }): VNode;
  Dialog(p: { open: boolean; title: string; onClose(): void; actions?: Act[]; wide?: boolean; children?: C }): VNode;
  Empty(p: { title: string; children?: C; actions?: Act[] }): VNode;
  Loading(p: { label: string; lines?: number }): VNode;
  Progress(p: { label: string; value: number; max: number }): VNode;
  Details(p: { summary: C; open?: boolean; children?: C }): VNode;
  /** named: its label is seen, where the text alone does not say what it is. */
  Code(p: { text: string; label: string; named?: boolean }): VNode;
  toast(text: string): void;
}
