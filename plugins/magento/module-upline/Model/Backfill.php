<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\ResourceConnection;

/**
 * Tells of orders of the past: some hundred pointers at a time, sent before the next ones are written, so that new
 * orders never wait behind it and memory stays flat. Where it stands is remembered, so that it goes on after a crash.
 */
class Backfill
{
    /** Orders put into the outbox at a time. */
    private const STEP = 480;

    private const CURSOR = 'backfill_cursor';
    private const SPAN = 'backfill_span';

    /**
     * @param ResourceConnection $resource
     * @param Outbox $outbox
     * @param Watch $watch
     * @param Websites $websites
     * @param State $state
     */
    public function __construct(
        private readonly ResourceConnection $resource,
        private readonly Outbox $outbox,
        private readonly Watch $watch,
        private readonly Websites $websites,
        private readonly State $state
    ) {
    }

    /**
     * How many orders of a span there are.
     *
     * @param string $from first moment, "YYYY-MM-DD hh:mm:ss" in UTC, or ''
     * @param string $to the moment after the last, or ''
     * @param int $after behind this order alone
     * @return int
     */
    public function count(string $from, string $to, int $after = 0): int
    {
        $select = $this->select($from, $to, $after)->reset(\Magento\Framework\DB\Select::ORDER);
        $select->reset(\Magento\Framework\DB\Select::COLUMNS)->columns(['count' => 'COUNT(*)']);
        return (int) $this->resource->getConnection('sales')->fetchOne($select);
    }

    /**
     * The order up to which a span was put into the outbox by a run that did not end; 0 for none.
     *
     * @param string $from
     * @param string $to
     * @return int
     */
    public function cursor(string $from, string $to): int
    {
        return $this->state->get(0, self::SPAN) === $from . '/' . $to ? (int) $this->state->get(0, self::CURSOR) : 0;
    }

    /**
     * Puts the next orders of a span into the outbox.
     *
     * @param string $from
     * @param string $to
     * @param int $after id of the last order that was
     * @return array{after: int, seen: int, queued: int} seen 0 at the end
     */
    public function step(string $from, string $to, int $after): array
    {
        $select = $this->select($from, $to, $after)->limit(self::STEP);
        $orders = [];
        $seen = 0;
        foreach ($this->resource->getConnection('sales')->fetchAll($select) as $row) {
            $seen++;
            $after = (int) $row['entity_id'];
            $websiteId = $this->websites->ofStore((int) $row['store_id']);
            if ($this->watch->isTold($websiteId)) {
                $orders[$after] = $websiteId;
            }
        }
        $queued = $this->outbox->addAll($orders, Outbox::BACKFILL);
        $this->state->set(0, $seen > 0
            ? [self::SPAN => $from . '/' . $to, self::CURSOR => $after]
            : [self::SPAN => null, self::CURSOR => null]);
        return ['after' => $after, 'seen' => $seen, 'queued' => $queued];
    }

    /**
     * The orders of a span behind one, ascending by id.
     *
     * @param string $from
     * @param string $to
     * @param int $after
     * @return \Magento\Framework\DB\Select
     */
    private function select(string $from, string $to, int $after): \Magento\Framework\DB\Select
    {
        $select = $this->resource->getConnection('sales')->select()
            ->from($this->resource->getTableName('sales_order', 'sales'), ['entity_id', 'store_id'])
            ->where('entity_id > ?', $after)
            ->order('entity_id ASC');
        if ($from !== '') {
            $select->where('created_at >= ?', $from);
        }
        if ($to !== '') {
            $select->where('created_at < ?', $to);
        }
        return $select;
    }
}
