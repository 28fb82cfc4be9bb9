<?php

declare(strict_types=1);

namespace Upline\Commission\Observer;

use Magento\Framework\Event\Observer;
use Magento\Framework\Event\ObserverInterface;
use Upline\Commission\Model\Visit;
use Upline\Commission\Model\Watch;

/**
 * Takes the visitor's references into his cart whenever that is saved, and once more when it becomes an order.
 */
class KeepVisit implements ObserverInterface
{
    /**
     * @param Watch $watch
     * @param Visit $visit
     */
    public function __construct(
        private readonly Watch $watch,
        private readonly Visit $visit
    ) {
    }

    /**
     * @inheritDoc
     */
    public function execute(Observer $observer): void
    {
        $this->watch->quietly(fn () => $this->visit->keep($observer->getData('quote')));
    }
}
