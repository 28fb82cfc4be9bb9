<?php

declare(strict_types=1);

namespace Upline\Commission\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Upline\Commission\Model\Outbox;
use Upline\Commission\Model\Watch;

/**
 * Notes an order that is being deleted for good.
 */
class NoteDeletedOrder implements ObserverInterface
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
            $order = $observer->getData('order');
            $this->watch->note((int) $order->getId(), (int) $order->getStoreId(), Outbox::DELETED);
        });
    }
}
