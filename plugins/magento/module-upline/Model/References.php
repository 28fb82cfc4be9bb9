<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DB\Adapter\AdapterInterface;
use Upline\Commission\Domain\Answer;
use Upline\Commission\Domain\Reference;

/**
 * Whose sale a cart is, and then the order made of it: the visits by share links, what the buyer or a headless shop
 * set, and what somebody chose in the admin.
 */
class References
{
    public const TABLE = 'upline_reference';

    /**
     * Carts of which no order came are forgotten after so many days.
     */
    private const CART_DAYS = 400;

    /**
     * @param ResourceConnection $resource
     * @param Clock $clock
     */
    public function __construct(private readonly ResourceConnection $resource, private readonly Clock $clock)
    {
    }

    /**
     * Keeps the visits behind a cart; nothing is written that is so already. A later visit replaces an earlier one, and
     * the first stays.
     *
     * @param int $quoteId
     * @param array<string, array{ref: string, at: int, path: string}> $touches as of Domain\Reference::open()
     * @return void
     */
    public function visited(int $quoteId, array $touches): void
    {
        $held = $this->row('quote_id', $quoteId);
        $columns = [];
        foreach ($touches as $name => $touch) {
            $at = (int) ($held[$name . '_at'] ?? 0);
            if ($at === 0 || ($name === 'last' && $touch['at'] > $at)) {
                $columns[$name . '_ref'] = $touch['ref'];
                $columns[$name . '_at'] = $touch['at'];
                $columns[$name . '_path'] = $touch['path'];
            }
        }
        $this->write($quoteId, $held, $columns);
    }

    /**
     * Keeps what the buyer typed or a headless shop set for a cart; '' takes it back.
     *
     * @param int $quoteId
     * @param string $code
     * @return void
     */
    public function typed(int $quoteId, string $code): void
    {
        $this->write($quoteId, $this->row('quote_id', $quoteId), ['field' => Reference::clean($code)]);
    }

    /**
     * Keeps what somebody chose in the admin for a cart.
     *
     * @param int $quoteId
     * @param string $code a distributor's id or code; '' takes the choice back
     * @param string $reason
     * @param int $adminId
     * @return void
     */
    public function chosenForCart(int $quoteId, string $code, string $reason, int $adminId): void
    {
        $this->write($quoteId, $this->row('quote_id', $quoteId), $this->choice($code, $reason, $adminId));
    }

    /**
     * Keeps what somebody chose in the admin for an order. The caller puts the order into the outbox.
     *
     * @param int $orderId
     * @param string $code a distributor's id or code; '' takes the choice back
     * @param string $reason
     * @param int $adminId
     * @return void
     */
    public function chosen(int $orderId, string $code, string $reason, int $adminId): void
    {
        $columns = $this->choice($code, $reason, $adminId) + ['updated_at' => $this->clock->now()];
        $this->connection()->insertOnDuplicate(
            $this->table(),
            ['order_id' => $orderId] + $columns,
            array_keys($columns)
        );
    }

    /**
     * Gives a new order the reference of its cart, or of the order that it replaces. A cart with several orders, as
     * shipping to many addresses makes, gives it to each.
     *
     * @param int $orderId
     * @param int $quoteId
     * @param int $replacedId the order that was edited into this one; 0 for none
     * @return void
     */
    public function ordered(int $orderId, int $quoteId, int $replacedId): void
    {
        $held = $quoteId > 0 ? $this->row('quote_id', $quoteId) : null;
        if ($held !== null && $held['order_id'] === null) {
            $this->connection()->update($this->table(), ['order_id' => $orderId], ['id = ?' => $held['id']]);
            $this->inherit($orderId, $replacedId, $held);
            return;
        }
        $held = $held ?? ($replacedId > 0 ? $this->row('order_id', $replacedId) : null);
        if ($held !== null && (int) $held['order_id'] !== $orderId) {
            unset($held['id']);
            $copy = ['quote_id' => null, 'order_id' => $orderId, 'updated_at' => $this->clock->now()] + $held;
            $this->connection()->insertOnDuplicate($this->table(), $copy, ['updated_at']);
        }
    }

    /**
     * The references of orders, by order id: manual, manual_reason, field, first and last as {ref, at, path}.
     *
     * @param int[] $orderIds
     * @return array<int, array<string, mixed>>
     */
    public function ofOrders(array $orderIds): array
    {
        if (!$orderIds) {
            return [];
        }
        $select = $this->connection()->select()->from($this->table())->where('order_id IN (?)', $orderIds);
        $references = [];
        foreach ($this->connection()->fetchAll($select) as $row) {
            $references[(int) $row['order_id']] = $this->read($row);
        }
        return $references;
    }

    /**
     * The reference of a cart, as of ofOrders(); empty where there is none.
     *
     * @param int $quoteId
     * @return array<string, mixed>
     */
    public function ofCart(int $quoteId): array
    {
        $row = $this->row('quote_id', $quoteId);
        return $row === null ? [] : $this->read($row);
    }

    /**
     * Forgets old carts of which no order came, a thousand at a time.
     *
     * @return int how many
     */
    public function prune(): int
    {
        $select = $this->connection()->select()
            ->from($this->table(), ['id'])
            ->where('order_id IS NULL')
            ->where('updated_at < ?', $this->clock->now() - self::CART_DAYS * 86400)
            ->limit(1000);
        $ids = $this->connection()->fetchCol($select);
        return $ids ? $this->connection()->delete($this->table(), ['id IN (?)' => $ids]) : 0;
    }

    /**
     * An edited order keeps what its predecessor had, where its own cart does not know better.
     *
     * @param int $orderId
     * @param int $replacedId
     * @param array<string, mixed> $own
     * @return void
     */
    private function inherit(int $orderId, int $replacedId, array $own): void
    {
        $before = $replacedId > 0 ? $this->row('order_id', $replacedId) : null;
        if ($before === null) {
            return;
        }
        $columns = [];
        foreach (['first' => '_ref', 'last' => '_ref', 'field' => '', 'manual' => ''] as $name => $end) {
            foreach ($own[$name . $end] === '' ? array_keys($before) : [] as $column) {
                if (str_starts_with((string) $column, $name)) {
                    $columns[$column] = $before[$column];
                }
            }
        }
        if ($columns) {
            $this->connection()->update($this->table(), $columns, ['order_id = ?' => $orderId]);
        }
    }

    /**
     * The columns of a choice.
     *
     * @param string $code
     * @param string $reason
     * @param int $adminId
     * @return array<string, mixed>
     */
    private function choice(string $code, string $reason, int $adminId): array
    {
        return [
            'manual' => Reference::clean($code),
            'manual_reason' => Answer::cut(trim($reason), 255),
            'manual_by' => $adminId,
        ];
    }

    /**
     * Writes what differs.
     *
     * @param int $quoteId
     * @param array<string, mixed>|null $held
     * @param array<string, mixed> $columns
     * @return void
     */
    private function write(int $quoteId, ?array $held, array $columns): void
    {
        foreach ($columns as $name => $value) {
            if ((string) ($held[$name] ?? '') === (string) $value) {
                unset($columns[$name]);
            }
        }
        if (!$columns) {
            return;
        }
        $columns['updated_at'] = $this->clock->now();
        $this->connection()->insertOnDuplicate(
            $this->table(),
            ['quote_id' => $quoteId] + $columns,
            array_keys($columns)
        );
    }

    /**
     * One row.
     *
     * @param string $column
     * @param int $id
     * @return array<string, mixed>|null
     */
    private function row(string $column, int $id): ?array
    {
        $connection = $this->connection();
        $select = $connection->select()->from($this->table())->where($column . ' = ?', $id);
        return $connection->fetchRow($select) ?: null;
    }

    /**
     * A row as it is told.
     *
     * @param array<string, mixed> $row
     * @return array<string, mixed>
     */
    private function read(array $row): array
    {
        $reference = [
            'manual' => (string) $row['manual'], 'manual_reason' => (string) $row['manual_reason'],
            'field' => (string) $row['field'],
        ];
        foreach (['first', 'last'] as $name) {
            if ((string) $row[$name . '_ref'] !== '') {
                $reference[$name] = [
                    'ref' => (string) $row[$name . '_ref'], 'at' => (int) $row[$name . '_at'],
                    'path' => (string) $row[$name . '_path'],
                ];
            }
        }
        return $reference;
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
