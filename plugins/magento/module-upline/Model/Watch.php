<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\DB\Adapter\DeadlockException;
use Magento\Sales\Model\Order;
use Psr\Log\LoggerInterface;

/**
 * Notes changes of orders. Nothing that goes wrong here reaches the shopper; what could not be noted is found by
 * reconciliation.
 */
class Watch
{
    /**
     * @var bool
     */
    private bool $complained = false;

    /**
     * Ids under which orders at hand were noted as new: their models do not learn that they were saved.
     *
     * @var \WeakMap<Order, int>
     */
    private \WeakMap $created;

    /**
     * @param Outbox $outbox
     * @param References $references
     * @param Config $config
     * @param Connection $connection
     * @param Websites $websites
     * @param LoggerInterface $logger
     */
    public function __construct(
        private readonly Outbox $outbox,
        private readonly References $references,
        private readonly Config $config,
        private readonly Connection $connection,
        private readonly Websites $websites,
        private readonly LoggerInterface $logger
    ) {
        $this->created = new \WeakMap();
    }

    /**
     * Runs what must not disturb a shop. One fault is not ours to swallow: of a deadlock the database has rolled back
     * the order's whole transaction, and Magento would go on writing the other half of it outside of any.
     *
     * @param callable $what
     * @return void
     * @throws DeadlockException where the caller's transaction is gone
     */
    public function quietly(callable $what): void
    {
        try {
            $what();
        } catch (\Throwable $fault) {
            if ($fault instanceof DeadlockException && $this->outbox->isInTransaction()) {
                throw $fault;
            }
            if (!$this->complained) {
                $this->complained = true;
                $this->logger->error('Upline: a change could not be noted', ['exception' => $fault]);
            }
        }
    }

    /**
     * Notes that an order was saved, within its transaction.
     *
     * @param Order $order
     * @return void
     */
    public function saved(Order $order): void
    {
        $orderId = (int) $order->getId();
        // By now it has its id and does not count as new; what it was loaded with tells it from one that was there. One
        // whose transaction was rolled back gets another id when it is saved again, and is new again.
        $new = $order->getOrigData('entity_id') === null && ($this->created[$order] ?? 0) !== $orderId;
        if ($new) {
            $this->created[$order] = $orderId;
            $this->references->ordered($orderId, (int) $order->getQuoteId(), (int) $order->getRelationParentId());
        }
        $this->note($orderId, (int) $order->getStoreId(), $new ? Outbox::CREATED : Outbox::UPDATED);
    }

    /**
     * Notes that an order changed, within its transaction.
     *
     * @param int $orderId
     * @param int $storeId
     * @param string $reason one of the causes of Outbox
     * @return void
     */
    public function note(int $orderId, int $storeId, string $reason): void
    {
        $websiteId = $this->websites->ofStore($storeId);
        if ($orderId > 0 && $this->isTold($websiteId)) {
            $this->outbox->add($orderId, $websiteId, $reason);
        }
    }

    /**
     * Whether orders of a website are told: it is switched on and connected. What was before is told by the backfill.
     *
     * @param int $websiteId
     * @return bool
     */
    public function isTold(int $websiteId): bool
    {
        return $this->config->isEnabled($websiteId) && $this->connection->at($websiteId)->isConnected();
    }
}
