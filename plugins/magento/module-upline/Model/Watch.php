<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

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
    }

    /**
     * Runs what must not disturb a shop.
     *
     * @param callable $what
     * @return void
     */
    public function quietly(callable $what): void
    {
        try {
            $what();
        } catch (\Throwable $fault) {
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
        // By now it has its id and does not count as new; what it was loaded with tells it from one that was there.
        $new = $order->getOrigData('entity_id') === null;
        if ($new) {
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
