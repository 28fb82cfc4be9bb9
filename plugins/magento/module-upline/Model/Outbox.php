<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DB\Adapter\AdapterInterface;
use Magento\Framework\DB\Sql\Expression;
use Upline\Commission\Domain\Answer;
use Upline\Commission\Domain\Delay;

/**
 * Rows of what has to be told: pointers at orders, written in the transaction that changes the order. The snapshot is
 * made when it is sent.
 *
 * Status: pending (due at next_attempt_at), sending (claimed until claimed_until), delivered, parked (the server cannot
 * take it; replayed by a person or with the order's next change).
 */
class Outbox
{
    public const TABLE = 'upline_outbox';
    public const PENDING = 'pending';
    public const SENDING = 'sending';
    public const DELIVERED = 'delivered';
    public const PARKED = 'parked';

    /**
     * Causes of docs/plugin-protocol.md.
     */
    public const CREATED = 'order.created';
    public const UPDATED = 'order.updated';
    public const DELETED = 'order.deleted';
    public const REFUNDED = 'refund.created';
    public const RESENT = 'resent';
    public const BACKFILL = 'backfill';

    /**
     * @param ResourceConnection $resource
     * @param Clock $clock
     */
    public function __construct(private readonly ResourceConnection $resource, private readonly Clock $clock)
    {
    }

    /**
     * Notes that an order changed. The connection is the orders' own, so that the row is part of their transaction.
     *
     * @param int $orderId
     * @param int $websiteId of the order
     * @param string $reason one of the causes
     * @return int id of the row
     */
    public function add(int $orderId, int $websiteId, string $reason): int
    {
        return $this->insert($this->row($orderId, $websiteId, $reason));
    }

    /**
     * Notes that an order is told in an answer, which needs a sequence of its own.
     *
     * @param int $orderId
     * @param int $websiteId
     * @param string $reason
     * @return array<string, mixed> the row
     */
    public function note(int $orderId, int $websiteId, string $reason): array
    {
        $row = [
            'status' => self::DELIVERED, 'delivered_at' => gmdate('Y-m-d H:i:s', $this->clock->now()),
        ] + $this->row($orderId, $websiteId, $reason);
        return ['id' => $this->insert($row)] + $row;
    }

    /**
     * A new row in the place of one that is being sent, as its order is not any more what was sent under that.
     *
     * @param array<string, mixed> $row as of claim()
     * @return array<string, mixed> the new one, claimed
     */
    public function replace(array $row): array
    {
        $new = $this->row((int) $row['entity_id'], (int) $row['website_id'], (string) $row['reason']);
        $new = [
            'status' => self::SENDING, 'claim' => $row['claim'], 'claimed_until' => $row['claimed_until'],
            'attempts' => $row['attempts'],
        ] + $new;
        return ['id' => $this->insert($new), 'created_at' => $row['created_at'], 'hash' => ''] + $new;
    }

    /**
     * Notes many orders at once.
     *
     * @param array<int, int> $orders website ids by order id
     * @param string $reason one of the causes
     * @return int how many
     */
    public function addAll(array $orders, string $reason): int
    {
        $rows = [];
        foreach ($orders as $orderId => $websiteId) {
            $rows[] = $this->row($orderId, $websiteId, $reason);
        }
        return $rows ? (int) $this->connection()->insertMultiple($this->table(), $rows) : 0;
    }

    /**
     * Claims rows that are due, with all other pending rows of their orders, as one snapshot serves them all. An order
     * that another process is sending is left to it.
     *
     * @param string $claim who claims, up to 16 letters
     * @param int[] $websiteIds
     * @param int $limit how many rows are looked at
     * @param int[] $orderIds of these orders alone; empty for all
     * @return array<int, array<int, array<string, mixed>>> rows by order id, ascending by id
     */
    public function claim(string $claim, array $websiteIds, int $limit, array $orderIds = []): array
    {
        if (!$websiteIds) {
            return [];
        }
        $now = $this->clock->now();
        $this->takeBack($now);
        $due = $this->select(['id', 'entity_id'])
            ->where('status = ?', self::PENDING)
            ->where('next_attempt_at <= ?', $now)
            ->where('website_id IN (?)', $websiteIds)
            ->order(['next_attempt_at ASC', 'id ASC'])
            ->limit($limit);
        if ($orderIds) {
            $due->where('entity_id IN (?)', $orderIds);
        }
        $orders = array_values(array_unique(array_map('intval', $this->connection()->fetchPairs($due))));
        if (!$orders) {
            return [];
        }
        $rows = $this->select(['id'])->where('entity_id IN (?)', $orders)->where('status = ?', self::PENDING);
        $this->change($this->connection()->fetchCol($rows), self::PENDING, [
            'status' => self::SENDING, 'claim' => $claim, 'claimed_until' => $now + Delay::CLAIM,
            'attempts' => new Expression('attempts + 1'),
        ]);
        return $this->claimed($claim, $orders, $now);
    }

    /**
     * The rows that are ours; orders on which another process is at work are given back.
     *
     * @param string $claim
     * @param int[] $orders
     * @param int $now
     * @return array<int, array<int, array<string, mixed>>>
     */
    private function claimed(string $claim, array $orders, int $now): array
    {
        $sending = $this->select()
            ->where('entity_id IN (?)', $orders)
            ->where('status = ?', self::SENDING)
            ->order('id ASC');
        $ours = $others = $back = [];
        foreach ($this->connection()->fetchAll($sending) as $row) {
            if ($row['claim'] === $claim) {
                $ours[(int) $row['entity_id']][] = $row;
            } else {
                $others[(int) $row['entity_id']] = true;
            }
        }
        foreach (array_intersect_key($ours, $others) as $rows) {
            array_push($back, ...array_column($rows, 'id'));
        }
        $this->change($back, self::SENDING, [
            'status' => self::PENDING, 'claim' => '', 'next_attempt_at' => $now + random_int(2, 5),
            'attempts' => new Expression('attempts - 1'),
        ]);
        return array_diff_key($ours, $others);
    }

    /**
     * Takes back what a process that died has claimed.
     *
     * @param int $now
     * @return void
     */
    private function takeBack(int $now): void
    {
        $dead = $this->select(['id'])->where('status = ?', self::SENDING)->where('claimed_until < ?', $now);
        $columns = ['status' => self::PENDING, 'claim' => ''];
        $this->change($this->connection()->fetchCol($dead), self::SENDING, $columns, ['claimed_until < ?' => $now]);
    }

    /**
     * Changes rows by their ids. A range of another index would lock the gap in which a checkout inserts its row, and
     * the checkout could become the victim of a deadlock: so rows are looked up without a lock first, and the status
     * is compared in a way that no index serves.
     *
     * @param array<int, int|string> $ids
     * @param string $status the rows have it still; others are left alone
     * @param array<string, mixed> $columns
     * @param array<string, mixed> $where more of it
     * @return int how many
     */
    private function change(array $ids, string $status, array $columns, array $where = []): int
    {
        $count = 0;
        foreach (array_chunk($ids, 500) as $some) {
            $condition = ['id IN (?)' => $some, 'CONCAT(status) = ?' => $status] + $where;
            $count += $this->connection()->update($this->table(), $columns, $condition);
        }
        return $count;
    }

    /**
     * Keeps what is being sent under a row, before it is sent: a retry with other content needs a sequence of its own.
     *
     * @param array<int, string> $hashes by row id
     * @return void
     */
    public function remember(array $hashes): void
    {
        if (!$hashes) {
            return;
        }
        $connection = $this->connection();
        $quoted = array_map(static fn (string $hash): string => $connection->quote($hash), $hashes);
        $case = $connection->getCaseSql('id', $quoted);
        $connection->update($this->table(), ['hash' => $case], ['id IN (?)' => array_keys($hashes)]);
    }

    /**
     * Marks orders as told, with all that was claimed of them and whatever was parked of them before.
     *
     * @param string $claim
     * @param array<int, int> $newest id of the newest row that was claimed, by order id
     * @param int $status of the answer
     * @return void
     */
    public function delivered(string $claim, array $newest, int $status = 200): void
    {
        if (!$newest) {
            return;
        }
        $done = [
            'status' => self::DELIVERED, 'claim' => '', 'http_status' => $status, 'error' => '',
            'delivered_at' => gmdate('Y-m-d H:i:s', $this->clock->now()),
        ];
        foreach ([self::SENDING => $claim, self::PARKED => ''] as $from => $holder) {
            $rows = $this->select(['id'])
                ->where('entity_id IN (?)', array_keys($newest))
                ->where('status = ?', $from)
                ->where('claim = ?', $holder);
            $this->change($this->connection()->fetchCol($rows), $from, $done);
        }
    }

    /**
     * Gives an order back for later, or parks it.
     *
     * @param string $claim
     * @param int $orderId
     * @param string $status PENDING or PARKED
     * @param int $wait seconds before it is tried again
     * @param int $httpStatus of the answer; 0 without one
     * @param string $error a sentence
     * @return void
     */
    public function putBack(
        string $claim,
        int $orderId,
        string $status,
        int $wait,
        int $httpStatus,
        string $error
    ): void {
        $rows = $this->select(['id'])
            ->where('entity_id = ?', $orderId)
            ->where('status = ?', self::SENDING)
            ->where('claim = ?', $claim);
        $this->change($this->connection()->fetchCol($rows), self::SENDING, [
            'status' => $status, 'claim' => '', 'next_attempt_at' => $this->clock->now() + $wait,
            'http_status' => $httpStatus, 'error' => Answer::cut($error, 240),
        ]);
    }

    /**
     * Gives back what was claimed and not sent.
     *
     * @param string $claim
     * @return void
     */
    public function release(string $claim): void
    {
        $rows = $this->select(['id'])->where('status = ?', self::SENDING)->where('claim = ?', $claim);
        $this->change($this->connection()->fetchCol($rows), self::SENDING, [
            'status' => self::PENDING, 'claim' => '', 'attempts' => new Expression('GREATEST(attempts, 1) - 1'),
        ]);
    }

    /**
     * Makes rows due at once: those that wait and those that are parked.
     *
     * @param int[] $ids rows; empty for all
     * @return int how many
     */
    public function retry(array $ids = []): int
    {
        $count = 0;
        foreach ([self::PENDING, self::PARKED] as $status) {
            $rows = $this->select(['id'])->where('status = ?', $status);
            if ($ids) {
                $rows->where('id IN (?)', $ids);
            }
            $columns = ['status' => self::PENDING, 'next_attempt_at' => $this->clock->now()];
            $count += $this->change($this->connection()->fetchCol($rows), $status, $columns);
        }
        return $count;
    }

    /**
     * Whether a transaction of the orders is open in this process.
     *
     * @return bool
     */
    public function isInTransaction(): bool
    {
        return $this->connection()->getTransactionLevel() > 0;
    }

    /**
     * How many wait, since when, and how many are parked. Delivered rows are not counted: there may be millions.
     *
     * @return array{depth: int, oldest: int|null, parked: int} oldest in Unix seconds
     */
    public function depth(): array
    {
        $counts = $this->select([
            'status',
            'depth' => new Expression('COUNT(*)'),
            'oldest' => new Expression('UNIX_TIMESTAMP(MIN(created_at))'),
        ])->where('status IN (?)', [self::PENDING, self::SENDING, self::PARKED])->group('status');
        $depth = ['depth' => 0, 'oldest' => null, 'parked' => 0];
        foreach ($this->connection()->fetchAll($counts) as $row) {
            if ($row['status'] === self::PARKED) {
                $depth['parked'] = (int) $row['depth'];
                continue;
            }
            $depth['depth'] += (int) $row['depth'];
            $depth['oldest'] = min($depth['oldest'] ?? PHP_INT_MAX, (int) $row['oldest']);
        }
        return $depth;
    }

    /**
     * Whether any row is parked, without counting them.
     *
     * @return bool
     */
    public function hasParked(): bool
    {
        return (bool) $this->connection()->fetchOne($this->select(['id'])->where('status = ?', self::PARKED)->limit(1));
    }

    /**
     * The newest rows of an order.
     *
     * @param int $orderId
     * @param int $limit
     * @return array<int, array<string, mixed>>
     */
    public function ofOrder(int $orderId, int $limit = 20): array
    {
        $select = $this->select()->where('entity_id = ?', $orderId)->order('id DESC')->limit($limit);
        return $this->connection()->fetchAll($select);
    }

    /**
     * Removes what was delivered long ago, a thousand rows at a time. What was not delivered stays.
     *
     * @param int $days
     * @return int how many
     */
    public function prune(int $days): int
    {
        $old = $this->select(['id'])
            ->where('status = ?', self::DELIVERED)
            ->where('delivered_at < ?', gmdate('Y-m-d H:i:s', $this->clock->now() - $days * 86400))
            ->order('id ASC')
            ->limit(1000);
        $ids = $this->connection()->fetchCol($old);
        return $ids ? $this->connection()->delete($this->table(), ['id IN (?)' => $ids]) : 0;
    }

    /**
     * Gives what was not delivered of websites that are deleted by now to the connection of all websites.
     *
     * @param int[] $websiteIds those there are
     * @return int how many
     */
    public function adopt(array $websiteIds): int
    {
        $count = 0;
        foreach ([self::PENDING, self::PARKED] as $status) {
            $rows = $this->select(['id'])->where('status = ?', $status)->where('website_id NOT IN (?)', $websiteIds);
            $count += $this->change($this->connection()->fetchCol($rows), $status, ['website_id' => 0]);
        }
        return $count;
    }

    /**
     * The highest id there ever was of what is kept; 0 for none.
     *
     * @return int
     */
    public function highest(): int
    {
        return (int) $this->connection()->fetchOne($this->select([new Expression('MAX(id)')]));
    }

    /**
     * A new row.
     *
     * @param int $orderId
     * @param int $websiteId
     * @param string $reason
     * @return array<string, mixed>
     */
    private function row(int $orderId, int $websiteId, string $reason): array
    {
        return [
            'event_id' => 'evt_' . bin2hex(random_bytes(16)),
            'entity_id' => $orderId,
            'website_id' => $websiteId,
            'reason' => $reason,
            'status' => self::PENDING,
            'next_attempt_at' => $this->clock->now(),
        ];
    }

    /**
     * Inserts a row.
     *
     * @param array<string, mixed> $row
     * @return int its id
     */
    private function insert(array $row): int
    {
        $connection = $this->connection();
        $connection->insert($this->table(), $row);
        return (int) $connection->lastInsertId();
    }

    /**
     * A query of the table.
     *
     * @param array<array-key, mixed> $columns
     * @return \Magento\Framework\DB\Select
     */
    private function select(array $columns = ['*']): \Magento\Framework\DB\Select
    {
        return $this->connection()->select()->from($this->table(), $columns);
    }

    /**
     * The connection of orders.
     *
     * @return AdapterInterface
     */
    private function connection(): AdapterInterface
    {
        return $this->resource->getConnection('sales');
    }

    /**
     * The table with the shop's prefix.
     *
     * @return string
     */
    private function table(): string
    {
        return $this->resource->getTableName(self::TABLE, 'sales');
    }
}
