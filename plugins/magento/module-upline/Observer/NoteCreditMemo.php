<?php

declare(strict_types=1);

namespace Upline\Commission\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\Watch;

/**
 * Notes a credit memo's order: a belt beside the order's own save.
 */
class NoteCreditMemo implements ObserverInterface
{
    /**
     * @param Watch $watch
     */
    public function __construct(
        private readonly Watch $watch
    ) {
    }

    /**
     * @inheritDoc
     */
    public function execute(Observer $observer): void
    {
        $this->watch->quietly(function () use ($observer): void {
            $memo = $observer->getData('creditmemo');
            $this->watch->note((int) $memo->getOrderId(), (int) $memo->getStoreId(), Outbox::REFUNDED);
        });
    }
}
