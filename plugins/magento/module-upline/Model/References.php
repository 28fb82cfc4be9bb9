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
        $held = $this->row('quote_id', $quoteId);
        if ($held !== null || Reference::clean($code) !== '') {
            $this->write($quoteId, $held, $this->choice($code, $reason, $adminId));
        }
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
     * Takes what is known of a cart into another one that it was merged into, as a guest's is when he signs in.
     *
     * @param int $quoteId
     * @param int $sourceId
     * @return void
     */
    public function merged(int $quoteId, int $sourceId): void
    {
        $source = $quoteId > 0 && $sourceId > 0 && $quoteId !== $sourceId ? $this->row('quote_id', $sourceId) : null;
        if ($source === null) {
            return;
        }
        $this->visited($quoteId, $this->touches($source));
        $columns = array_filter(['field' => (string) $source['field']], 'strlen');
        if ((string) $source['manual'] !== '') {
            $columns += array_intersect_key($source, ['manual' => true, 'manual_reason' => true, 'manual_by' => true]);
        }
        $this->write($quoteId, $this->row('quote_id', $quoteId), $columns);
    }

    /**
     * Gives a new order a copy of what is known of its cart, and of the order that it replaces where the cart does not
     * know better. The cart keeps its own: it may become several orders, as shipping to many addresses makes, and what
     * is set for it afterwards is no order's any more.
     *
     * @param int $orderId
     * @param int $quoteId
     * @param int $replacedId the order that was edited into this one; 0 for none
     * @return void
     */
    public function ordered(int $orderId, int $quoteId, int $replacedId): void
    {
        $cart = $quoteId > 0 ? $this->row('quote_id', $quoteId) : null;
        $before = $replacedId > 0 ? $this->row('order_id', $replacedId) : null;
        $copy = $this->inherited($cart ?? $before ?? [], $before ?? []);
        if ($copy && $this->row('order_id', $orderId) === null) {
            unset($copy['id']);
            $own = ['quote_id' => null, 'order_id' => $orderId, 'updated_at' => $this->clock->now()];
            $this->connection()->insert($this->table(), $own + $copy);
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
     * A reference with what another one knows where it knows nothing itself: each touch, and each choice, as a whole.
     *
     * @param array<string, mixed> $own
     * @param array<string, mixed> $before
     * @return array<string, mixed>
     */
    private function inherited(array $own, array $before): array
    {
        foreach (['first' => '_ref', 'last' => '_ref', 'field' => '', 'manual' => ''] as $name => $end) {
            foreach ((string) ($own[$name . $end] ?? '') === '' ? array_keys($before) : [] as $column) {
                if (str_starts_with((string) $column, $name)) {
                    $own[$column] = $before[$column];
                }
            }
        }
        return $own;
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
        return $reference + $this->touches($row);
    }

    /**
     * The visits in a row.
     *
     * @param array<string, mixed> $row
     * @return array<string, array{ref: string, at: int, path: string}>
     */
    private function touches(array $row): array
    {
        $touches = [];
        foreach (['first', 'last'] as $name) {
            if ((string) $row[$name . '_ref'] !== '') {
                $touches[$name] = [
                    'ref' => (string) $row[$name . '_ref'], 'at' => (int) $row[$name . '_at'],
                    'path' => (string) $row[$name . '_path'],
                ];
            }
        }
        return $touches;
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
