// The backend chosen at build time, member by member, so that a screen reads as JSX.
import all from '#backend';

export const {
  Shell, Page, Section, Cards, Metric, Facts, Table, Banner, Badge, Button, Line, Stack, Text, Link, Form, Field, Area, Choice, Check, File, Views,
  SaveBar, Dialog, Empty, Loading, Progress, Details, Code, toast,
} = all;
export type { Act, Col, FieldProps, NavItem, Row, Rows, TableProps, Tone, UI } from './ui.ts';
