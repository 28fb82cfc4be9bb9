<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Api;

use Magento\Framework\App\ResourceConnection;
use Magento\Framework\Exception\InputException;
use Magento\Framework\Exception\LocalizedException;
use Magento\Framework\Exception\NoSuchEntityException;
use Upline\Commission\Api\OrdersInterface;
use Upline\Commission\Domain\OrderReaderInterface;
use Upline\Commission\Domain\Snapshot;
use Upline\Commission\Model\Data\OrderDigest;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\Sender;
use Upline\Commission\Model\Server;
use Upline\Commission\Model\Told;
use Upline\Commission\Model\Websites;

/**
 * @inheritDoc
 */
class Orders implements OrdersInterface
{
    private const PAGE = 500;
    private const SNAPSHOTS = 50;

    /**
     * @param ResourceConnection $resource
     * @param OrderReaderInterface $orders
     * @param Told $told
     * @param Sender $sender
     * @param Outbox $outbox
     * @param Websites $websites
     * @param Caller $caller
     */
    public function __construct(
        private readonly ResourceConnection $resource,
        private readonly OrderReaderInterface $orders,
        private readonly Told $told,
        private readonly Sender $sender,
        private readonly Outbox $outbox,
        private readonly Websites $websites,
        private readonly Caller $caller
    ) {
    }

    /**
     * @inheritDoc
     */
    public function changed(string $since, string $until = '', int $afterId = 0, int $limit = 200): array
    {
        if ($limit < 1 || $limit > self::PAGE) {
            throw new InputException(__('limit: give a whole number from 1 to %1', self::PAGE));
        }
        $from = $this->moment('since', $since);
        $sales = $this->resource->getConnection('sales');
        $select = $sales->select()
            ->from($this->resource->getTableName('sales_order', 'sales'), ['entity_id', 'updated_at'])
            ->where('updated_at >= ?', $from)
            ->where($sales->quoteInto('updated_at > ? OR ', $from) . $sales->quoteInto('entity_id > ?', $afterId))
            ->where($this->isTold())
            ->order(['updated_at ASC', 'entity_id ASC'])
            ->limit($limit);
        if ($until !== '') {
            $select->where('updated_at < ?', $this->moment('until', $until));
        }
        $changed = $sales->fetchPairs($select);
        $told = $this->told->rows(array_keys($changed));
        $records = [];
        foreach (array_chunk(array_keys($changed), self::SNAPSHOTS) as $some) {
            foreach ($this->orders->read($some) as $id => $record) {
                $records[$id] = $this->hash($record);
            }
        }
        $digests = [];
        foreach ($changed as $id => $updatedAt) {
            $digests[] = new OrderDigest([
                'entity_id' => (int) $id,
                'updated_at' => str_replace(' ', 'T', (string) $updatedAt) . 'Z',
                'hash' => $records[$id] ?? '',
                'sequence' => (int) ($told[$id]['sequence'] ?? 0),
                'dirty' => ($records[$id] ?? '') !== ($told[$id]['hash'] ?? ''),
            ]);
        }
        return $digests;
    }

    /**
     * @inheritDoc
     */
    public function get(int $orderId): string
    {
        try {
            $event = $this->sender->current($orderId, $this->websites->of($this->caller->connection()));
        } catch (\InvalidArgumentException $fault) {
            throw new LocalizedException(__('Order %1 cannot be told: %2', $orderId, $fault->getMessage()), $fault);
        }
        if ($event === null) {
            throw new NoSuchEntityException(__('There is no order %1.', $orderId));
        }
        return Server::json($event);
    }

    /**
     * @inheritDoc
     */
    public function snapshots(string $ids): array
    {
        $bodies = [];
        $websiteIds = $this->websites->of($this->caller->connection());
        foreach ($this->ids(explode(',', $ids), self::SNAPSHOTS) as $id) {
            try {
                $event = $this->sender->current($id, $websiteIds);
            } catch (\InvalidArgumentException) {
                continue; // It is parked in the outbox with the reason; the others are told all the same.
            }
            if ($event !== null) {
                $bodies[] = Server::json($event);
            }
        }
        return $bodies;
    }

    /**
     * @inheritDoc
     */
    public function replay(array $ids): int
    {
        $ids = $this->ids($ids, self::PAGE);
        $sales = $this->resource->getConnection('sales');
        $select = $sales->select()
            ->from($this->resource->getTableName('sales_order', 'sales'), ['entity_id', 'store_id'])
            ->where('entity_id IN (?)', $ids)
            ->where($this->isTold());
        $orders = [];
        foreach ($sales->fetchPairs($select) as $id => $storeId) {
            $orders[(int) $id] = $this->websites->ofStore((int) $storeId);
        }
        return $this->outbox->addAll($orders, Outbox::RESENT);
    }

    /**
     * The condition for orders that are told over the connection that calls. An order whose store view was deleted is
     * that of all websites, unless a website's own connection has told it: another store at Upline has it then.
     *
     * @return string
     */
    private function isTold(): string
    {
        $websiteIds = $this->websites->toldBy($this->caller->connection());
        $stores = $this->websites->stores($websiteIds) ?: [-1];
        $condition = $this->resource->getConnection('sales')->quoteInto('store_id IN (?)', $stores);
        if (!in_array(0, $websiteIds, true)) {
            return $condition;
        }
        $others = 'SELECT entity_id FROM ' . $this->resource->getTableName(Told::TABLE, 'sales') . ' WHERE website_id > 0';
        return '(' . $condition . ' OR (store_id IS NULL AND entity_id NOT IN (' . $others . ')))';
    }

    /**
     * The hash of an order; '' where it cannot be told.
     *
     * @param array<string, mixed> $record
     * @return string
     */
    private function hash(array $record): string
    {
        try {
            return Snapshot::hash(Snapshot::order($record));
        } catch (\InvalidArgumentException) {
            return '';
        }
    }

    /**
     * Ids of orders.
     *
     * @param array<int, string|int> $ids
     * @param int $most
     * @return int[]
     * @throws InputException
     */
    private function ids(array $ids, int $most): array
    {
        if (!$ids || count($ids) > $most) {
            throw new InputException(__('ids: give 1 to %1 of them', $most));
        }
        foreach ($ids as $id) {
            if (preg_match('/^[1-9]\d{0,9}$/D', (string) $id) !== 1) {
                throw new InputException(__('ids: each has to be the entity_id of an order'));
            }
        }
        return array_values(array_unique(array_map('intval', $ids)));
    }

    /**
     * A time as the database has it.
     *
     * @param string $name
     * @param string $text
     * @return string
     * @throws InputException
     */
    private function moment(string $name, string $text): string
    {
        $zone = preg_match('/(Z|[+-]\d\d:?\d\d)$/D', $text) === 1 ? '' : ' UTC';
        $time = preg_match('/^\d{4}-\d\d-\d\d/', $text) === 1 ? strtotime($text . $zone) : false;
        if ($time === false) {
            throw new InputException(__('%1: give a time such as 2026-01-31T12:00:00Z', $name));
        }
        return gmdate('Y-m-d H:i:s', $time);
    }
}
