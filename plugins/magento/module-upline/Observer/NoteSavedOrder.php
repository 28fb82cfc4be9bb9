<?php

declare(strict_types=1);

namespace Upline\Commission\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Upline\Commission\Model\Watch;

/**
 * Notes an order in its own transaction: whatever moves money saves it.
 */
class NoteSavedOrder implements ObserverInterface
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
        $this->watch->quietly(fn () => $this->watch->saved($observer->getData('order')));
    }
}
