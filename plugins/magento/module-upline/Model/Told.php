<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\DB\Adapter\AdapterInterface;

/**
 * What the server was last told of each order: one row an order.
 */
class Told
{
    public const TABLE = 'upline_told';

    /**
     * @param ResourceConnection $resource
     */
    public function __construct(private readonly ResourceConnection $resource)
    {
    }

    /**
     * The rows of some orders, by order id; those never told are missing.
     *
     * @param int[] $orderIds
     * @return array<int, array<string, mixed>>
     */
    public function rows(array $orderIds): array
    {
        if (!$orderIds) {
            return [];
        }
        $select = $this->connection()->select()->from($this->table())->where('entity_id IN (?)', $orderIds);
        $rows = [];
        foreach ($this->connection()->fetchAll($select) as $row) {
            $rows[(int) $row['entity_id']] = $row;
        }
        return $rows;
    }

    /**
     * Remembers what was told. What a later snapshot has overtaken changes nothing.
     *
     * @param array<int, array{
     *     sequence: int, event_id: string, hash: string, told_at: int, gone: int, known: string|null, website_id: int
     * }> $rows by order id
     * @return void
     */
    public function remember(array $rows): void
    {
        $held = $this->rows(array_keys($rows));
        $changed = [];
        foreach ($rows as $orderId => $row) {
            if ((int) ($held[$orderId]['sequence'] ?? 0) <= $row['sequence']) {
                $row['known'] ??= $held[$orderId]['known'] ?? null;
                $changed[] = ['entity_id' => $orderId] + $row;
            }
        }
        if ($changed) {
            $this->connection()->insertOnDuplicate(
                $this->table(),
                $changed,
                ['sequence', 'event_id', 'hash', 'told_at', 'gone', 'known', 'website_id']
            );
        }
    }

    /**
     * The SKUs of bundles that were told, by row of an order.
     *
     * @param int[] $orderIds
     * @return array<int, string>
     */
    public function knownSkus(array $orderIds): array
    {
        $known = [];
        foreach ($this->rows($orderIds) as $row) {
            $known += json_decode((string) ($row['known'] ?? ''), true) ?: [];
        }
        return $known;
    }

    /**
     * Those of some orders that the connection of another website has told.
     *
     * @param int[] $orderIds
     * @param int $websiteId
     * @return int[]
     */
    public function byOthers(array $orderIds, int $websiteId): array
    {
        $isOthers = static fn (array $row): bool
            => ($row['website_id'] ?? null) !== null && (int) $row['website_id'] !== $websiteId;
        return array_keys(array_filter($this->rows($orderIds), $isOthers));
    }

    /**
     * Another store at Upline was told nothing yet. Sequences go on.
     *
     * @return void
     */
    public function forget(): void
    {
        $this->connection()->update($this->table(), ['hash' => '', 'event_id' => '']);
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
