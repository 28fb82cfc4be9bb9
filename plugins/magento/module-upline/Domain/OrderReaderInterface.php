<?php

declare(strict_types=1);

namespace Upline\Commission\Domain;

/**
 * Where orders are read from, as the shop's database has them.
 */
interface OrderReaderInterface
{
    /**
     * Orders as they are now, read anew and not from a cache. Amounts are as stored, never as REST rewrites them.
     *
     * @param int[] $orderIds
     * @return array<int, array{
     *     order: array<string, mixed>,
     *     items: array<int, array<string, mixed>>,
     *     memos: array<int, array<string, mixed>>,
     *     attribution: array<string, mixed>
     * }> by order id; those that are gone are missing. "order" has the columns of sales_order, with website_id, country
     *     (where the goods go) and email_hash; each of "items" those of sales_order_item, with children_calculated and,
     *     where sku is put together from parts, own_sku; each of "memos" those of sales_creditmemo, with its items.
     */
    public function read(array $orderIds): array;
}
