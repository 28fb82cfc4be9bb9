<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

// phpcs:disable Magento2.Functions.StaticFunction -- pure: what is told of an order is a function of its rows alone.

/**
 * Turns an order as the database has it into the snapshot of docs/plugin-protocol.md: money rows only, each in both of
 * the order's currencies, ids instead of persons.
 */
class Snapshot
{
    private const TYPE = 'order.snapshot';

    /** State of a credit memo that was cancelled. */
    private const CANCELLED = 3;

    /**
     * Columns in the base currency whose name is not "base_" and the other's.
     */
    private const SPELLINGS = [
        'shipping_discount_tax_compensation_amount' => 'base_shipping_discount_tax_compensation_amnt',
        'weee_tax_applied_row_amount' => 'base_weee_tax_applied_row_amnt',
    ];

    /**
     * Members of a side of the order, and their columns.
     */
    private const SUMS = [
        'grand_total' => 'grand_total',
        'tax' => 'tax_amount',
        'shipping' => 'shipping_amount',
        'shipping_discount' => 'shipping_discount_amount',
        'shipping_discount_tax_compensation' => 'shipping_discount_tax_compensation_amount',
        'gift_cards' => 'gift_cards_amount',
        'store_credit' => 'customer_balance_amount',
        'reward' => 'reward_currency_amount',
        'invoiced' => 'total_invoiced',
        'paid' => 'total_paid',
    ];

    /**
     * The message about an order.
     *
     * @param array<string, mixed> $order as from order() or tombstone()
     * @param array<string, mixed> $shop site, install_id, versions
     * @param string $eventId equal on every retry
     * @param int $sequence rises with every snapshot of the order
     * @param string $cause what happened; for people
     * @param int $at Unix seconds at which it did
     * @return array<string, mixed>
     */
    public static function event(
        array $order,
        array $shop,
        string $eventId,
        int $sequence,
        string $cause,
        int $at
    ): array {
        return [
            'type' => self::TYPE,
            'version' => Module::PROTOCOL,
            'event_id' => $eventId,
            'sequence' => $sequence,
            'cause' => $cause,
            'occurred_at' => self::time($at),
            'site' => $shop['site'],
            'platform' => Module::PLATFORM,
            'install_id' => $shop['install_id'],
            'versions' => $shop['versions'],
            'order' => $order,
        ];
    }

    /**
     * An order that is gone for good.
     *
     * @param int $orderId
     * @return array<string, mixed>
     */
    public static function tombstone(int $orderId): array
    {
        return ['id' => (string) $orderId, 'deleted' => true];
    }

    /**
     * The order as it is told.
     *
     * @param array<string, mixed> $record as from OrderReaderInterface::read()
     * @return array<string, mixed>
     * @throws \InvalidArgumentException where an amount is none
     */
    public static function order(array $record): array
    {
        $o = $record['order'];
        $rows = self::moneyRows($record['items']);
        return [
            'id' => self::id($o, 'entity_id'),
            'number' => (string) ($o['increment_id'] ?? ''),
            'state' => (string) ($o['state'] ?? ''),
            'status' => (string) ($o['status'] ?? ''),
            'deleted' => false,
            'test' => false,
            'created_at' => self::moment($o['created_at'] ?? null),
            'updated_at' => self::moment($o['updated_at'] ?? null),
            'store_id' => self::id($o, 'store_id'),
            'website_id' => self::id($o, 'website_id'),
            'parent_id' => self::id($o, 'relation_parent_id'),
            'customer' => self::customer($o),
            'coupon' => (string) ($o['coupon_code'] ?? ''),
            'rate' => Decimal::plain($o['base_to_order_rate'] ?? null),
            'base' => self::sums($o, true),
            'placed' => self::sums($o, false),
            'lines' => array_map([self::class, 'line'], array_values($rows)),
            'refunds' => self::refunds($record['memos'], $rows),
            'attribution' => self::attribution($record['attribution']),
        ];
    }

    /**
     * What tells two snapshots of an order apart: SHA-256 over the order's JSON, whose members stand in a fixed order.
     *
     * @param array<string, mixed> $order as from order()
     * @return string 64 hexadecimal digits
     */
    public static function hash(array $order): string
    {
        return hash('sha256', json_encode(
            $order,
            JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE
        ));
    }

    /**
     * Unix seconds as RFC 3339 in UTC.
     *
     * @param int|null $seconds
     * @return string|null
     */
    public static function time(?int $seconds): ?string
    {
        return $seconds === null ? null : gmdate('Y-m-d\TH:i:s\Z', $seconds);
    }

    /**
     * The rows that carry money, by item id. Of a parent and its children either the one or the others do: the children
     * of a bundle with a dynamic price, the parent of everything else.
     *
     * @param array<int, array<string, mixed>> $items
     * @return array<int, array<string, mixed>>
     */
    private static function moneyRows(array $items): array
    {
        $byId = $parents = [];
        foreach ($items as $item) {
            $byId[(int) $item['item_id']] = $item;
            $parents[(int) ($item['parent_item_id'] ?? 0)] = true;
        }
        ksort($byId);
        return array_filter($byId, static function (array $item) use ($byId, $parents): bool {
            if (isset($parents[(int) $item['item_id']]) && $item['children_calculated']) {
                return false;
            }
            $seen = 0;
            while (($above = (int) ($item['parent_item_id'] ?? 0)) !== 0 && $seen++ < count($byId)) {
                if (!isset($byId[$above])) {
                    break; // The parent was deleted from the order; the row's money is its own.
                }
                if (!$byId[$above]['children_calculated']) {
                    return false;
                }
                $item = $byId[$above];
            }
            return true;
        });
    }

    /**
     * One money row.
     *
     * @param array<string, mixed> $item
     * @return array<string, mixed>
     */
    private static function line(array $item): array
    {
        $own = (string) ($item['own_sku'] ?? '');
        return [
            'id' => self::id($item, 'item_id'),
            'product_type' => (string) ($item['product_type'] ?? ''),
            'sku' => (string) ($item['sku'] ?? ''),
            'bundle_sku' => $own === ($item['sku'] ?? '') ? '' : $own,
            'product_id' => self::id($item, 'product_id'),
            'quantity' => Decimal::plain($item['qty_ordered'] ?? null),
            'quantity_invoiced' => Decimal::plain($item['qty_invoiced'] ?? null),
            'quantity_cancelled' => Decimal::plain($item['qty_canceled'] ?? null),
            'base' => self::side($item, true),
            'placed' => self::side($item, false),
        ];
    }

    /**
     * A money row in one currency. Net is row total - discount + discount tax compensation, of what was ordered, of
     * what was invoiced and of what was refunded.
     *
     * @param array<string, mixed> $item
     * @param bool $base in the base currency
     * @return array<string, string>
     */
    private static function side(array $item, bool $base): array
    {
        $of = static fn (string $column): int => Decimal::fine($item[self::column($column, $base)] ?? null);
        $cut = $of('discount_amount') - $of('discount_tax_compensation_amount');
        return [
            'price' => Decimal::text($of('price')),
            'discount' => Decimal::text($cut),
            'net' => Decimal::text($of('row_total') - $cut),
            'net_invoiced' => Decimal::text(
                $of('row_invoiced') - $of('discount_invoiced') + $of('discount_tax_compensation_invoiced')
            ),
            'net_refunded' => Decimal::text(
                $of('amount_refunded') - $of('discount_refunded') + $of('discount_tax_compensation_refunded')
            ),
            'fixed_product_tax' => Decimal::text($of('weee_tax_applied_row_amount')),
        ];
    }

    /**
     * The order's own figures in one currency.
     *
     * @param array<string, mixed> $o
     * @param bool $base in the base currency
     * @return array<string, string>
     */
    private static function sums(array $o, bool $base): array
    {
        $sums = ['currency' => (string) ($o[$base ? 'base_currency_code' : 'order_currency_code'] ?? '')];
        foreach (self::SUMS as $member => $column) {
            $sums[$member] = Decimal::text(Decimal::fine($o[self::column($column, $base)] ?? null));
        }
        return $sums;
    }

    /**
     * Credit memos by row, never by header: that mixes shipping's discount into the goods'.
     *
     * @param array<int, array<string, mixed>> $memos
     * @param array<int, array<string, mixed>> $rows money rows by item id
     * @return array<int, array<string, mixed>>
     */
    private static function refunds(array $memos, array $rows): array
    {
        $refunds = [];
        foreach ($memos as $memo) {
            if ((int) ($memo['state'] ?? 0) === self::CANCELLED) {
                continue;
            }
            $lines = [];
            foreach ($memo['items'] as $item) {
                if (isset($rows[(int) ($item['order_item_id'] ?? 0)]) && ($item['base_row_total'] ?? null) !== null) {
                    $lines[] = [
                        'line_id' => self::id($item, 'order_item_id'),
                        'quantity' => Decimal::plain($item['qty'] ?? null),
                        'base' => ['net' => self::memoNet($item, true)],
                        'placed' => ['net' => self::memoNet($item, false)],
                    ];
                }
            }
            $refunds[] = [
                'id' => self::id($memo, 'entity_id'),
                'at' => self::moment($memo['created_at'] ?? null),
                'lines' => $lines,
                'adjustments' => [
                    'base' => self::adjustments($memo, true),
                    'placed' => self::adjustments($memo, false),
                ],
            ];
        }
        return $refunds;
    }

    /**
     * The net of a credit memo's row.
     *
     * @param array<string, mixed> $item
     * @param bool $base in the base currency
     * @return string
     */
    private static function memoNet(array $item, bool $base): string
    {
        $of = static fn (string $column): int => Decimal::fine($item[self::column($column, $base)] ?? null);
        return Decimal::text(
            $of('row_total') - $of('discount_amount') + $of('discount_tax_compensation_amount')
        );
    }

    /**
     * What a credit memo pays back or keeps beside its rows.
     *
     * @param array<string, mixed> $memo
     * @param bool $base in the base currency
     * @return array<string, string>
     */
    private static function adjustments(array $memo, bool $base): array
    {
        $of = static fn (string $column): int => Decimal::fine($memo[self::column($column, $base)] ?? null);
        return [
            'refund' => Decimal::text($of('adjustment_positive')),
            'fee' => Decimal::text($of('adjustment_negative')),
        ];
    }

    /**
     * Who bought, by id.
     *
     * @param array<string, mixed> $o
     * @return array<string, mixed>
     */
    private static function customer(array $o): array
    {
        $id = self::id($o, 'customer_id');
        return [
            'id' => $id,
            'guest' => $id === '',
            'email_hash' => (string) ($o['email_hash'] ?? ''),
            'country' => (string) ($o['country'] ?? ''),
        ];
    }

    /**
     * All that the shop knows of whose sale it was; touches that there were none of are left out.
     *
     * @param array<string, mixed> $a manual, field, and first and last as {ref, at, path} in Unix seconds
     * @return array<string, mixed>
     */
    private static function attribution(array $a): array
    {
        $told = ['manual' => (string) ($a['manual'] ?? ''), 'field' => (string) ($a['field'] ?? '')];
        foreach (['first', 'last'] as $name) {
            if (!empty($a[$name]['ref'])) {
                $told[$name] = [
                    'ref' => (string) $a[$name]['ref'],
                    'at' => self::time((int) $a[$name]['at']),
                    'path' => (string) ($a[$name]['path'] ?? ''),
                ];
            }
        }
        return $told;
    }

    /**
     * The column of an amount in one of the two currencies.
     *
     * @param string $name as in the order's own currency
     * @param bool $base in the base currency
     * @return string
     */
    private static function column(string $name, bool $base): string
    {
        return $base ? self::SPELLINGS[$name] ?? 'base_' . $name : $name;
    }

    /**
     * An id as text; '' where there is none.
     *
     * @param array<string, mixed> $row
     * @param string $column
     * @return string
     */
    private static function id(array $row, string $column): string
    {
        $id = (string) ($row[$column] ?? '');
        return $id === '0' ? '' : $id;
    }

    /**
     * A time of the database, which is UTC, as RFC 3339.
     *
     * @param mixed $text "2026-11-20 23:51:23"
     * @return string
     */
    private static function moment(mixed $text): string
    {
        return $text === null || $text === '' ? '' : str_replace(' ', 'T', substr((string) $text, 0, 19)) . 'Z';
    }
}
